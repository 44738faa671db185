/** Why something could not be started, as one sentence for the person at the terminal: which
 *  component, what is wrong, what to do. System errors are put into words here, once, so that no
 *  component has to. */
import { messageOf, SpoorError, systemCodeOf } from '../lib/errors.ts';

export type StartErrorCode = 'start_failed';

export class StartError extends SpoorError<StartErrorCode> {}

/** @param what for example `receiver otlp` */
export function startError(what: string, cause: unknown): StartError {
  const hint = cause instanceof SpoorError ? cause.hint : faultOf(cause)?.hint;
  return new StartError('start_failed', `cannot start ${what}: ${reasonFor(cause)}`, {
    cause,
    hint,
  });
}

type Sentence = (cause: unknown) => string;

const directoryHint = 'choose another directory, or change its permissions';

/** What the system's error codes mean to somebody who starts a server. */
const faults: Readonly<Record<string, { readonly reason: Sentence; readonly hint?: string }>> = {
  EADDRINUSE: {
    reason: (cause) => `${addressOf(cause)} is taken by another process`,
    hint: 'stop that process, or choose another port in the configuration',
  },
  EADDRNOTAVAIL: { reason: (cause) => `${addressOf(cause)} is not an address of this machine` },
  ENOTFOUND: {
    reason: (cause) => `the host name ${textProperty(cause, 'hostname') ?? ''} is not known`,
  },
  EACCES: { reason: noPermission, hint: 'choose another place, or change the permissions' },
  EPERM: { reason: noPermission, hint: 'choose another place, or change the permissions' },
  EROFS: {
    reason: (cause) => `${pathOf(cause)} is on a read-only file system`,
    hint: directoryHint,
  },
  ENOSPC: { reason: () => 'the disk is full', hint: 'free some space' },
  ENOTDIR: { reason: (cause) => `${pathOf(cause)} is not a directory`, hint: directoryHint },
  EEXIST: { reason: (cause) => `${pathOf(cause)} is not a directory`, hint: directoryHint },
};

function faultOf(cause: unknown) {
  const code = systemCodeOf(cause);
  return code === undefined ? undefined : faults[code];
}

function reasonFor(cause: unknown): string {
  return faultOf(cause)?.reason(cause) ?? messageOf(cause);
}

function noPermission(cause: unknown): string {
  const path = textProperty(cause, 'path');
  return path === undefined
    ? `no permission to use ${addressOf(cause)}`
    : `no permission to write ${path}`;
}

function pathOf(cause: unknown): string {
  return textProperty(cause, 'path') ?? 'the directory';
}

function addressOf(cause: unknown): string {
  const port = property(cause, 'port');
  const address = textProperty(cause, 'address');
  if (port === undefined) return address ?? 'the address';
  return `port ${String(port)}${address === undefined ? '' : ` on ${address}`}`;
}

function textProperty(cause: unknown, name: string): string | undefined {
  const value = property(cause, name);
  return typeof value === 'string' ? value : undefined;
}

function property(cause: unknown, name: string): string | number | undefined {
  if (typeof cause !== 'object' || cause === null) return undefined;
  const value: unknown = Reflect.get(cause, name);
  return typeof value === 'string' || typeof value === 'number' ? value : undefined;
}
