/** A file system for a worker thread whose calls are made by the thread that started it: one disk,
 *  one count of calls and one place to break for a store and its encoder. Descriptors are numbers of
 *  the process, so only the calls travel. */

import { type MessagePort, MessageChannel, Worker } from 'node:worker_threads';
import { messageOf, systemCodeOf } from '../../../src/lib/errors.ts';
import type { StartWorker } from '../../../src/storage/embedded/encode/encoder.ts';
import type { FileSystem } from '../../../src/storage/embedded/file-system.ts';

export interface RemoteOptions {
  readonly seed: number;
  readonly port: MessagePort;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly message: string; readonly code: string | undefined };
}

type Asked = { [C in keyof FileSystem]: { call: C; args: Parameters<FileSystem[C]> } };
type Request = { readonly id: number } & Asked[keyof FileSystem];

/** Starts the encoder's thread on `files` of this thread. */
export function encoderOn(files: FileSystem): StartWorker {
  return ({ seed }) => {
    const { port1, port2 } = new MessageChannel();
    port1.on('message', (request: Request) => void answer(port1, files, request));
    // The encoder's own messages keep whom they must alive.
    port1.unref();
    const workerData: RemoteOptions = { seed, port: port2 };
    const entry = new URL('./remote-encoder-worker.ts', import.meta.url);
    return new Worker(entry, { workerData, transferList: [port2], name: 'encoder' });
  };
}

async function answer(port: MessagePort, files: FileSystem, request: Request): Promise<void> {
  let reply: Answer;
  try {
    reply = { id: request.id, value: await make(files, request) };
  } catch (error) {
    const code = systemCodeOf(error);
    reply = { id: request.id, error: { message: messageOf(error), code } };
  }
  port.postMessage(reply);
}

function make(files: FileSystem, { call, args }: Request): Promise<unknown> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `Asked` pairs a call with its arguments
  const run = files[call].bind(files) as (...some: unknown[]) => Promise<unknown>;
  return run(...args);
}

/** In the worker. */
export function remoteFiles(port: MessagePort): FileSystem {
  const waiting = new Map<
    number,
    { resolve: (value: never) => void; reject: (e: Error) => void }
  >();
  let last = 0;
  port.on('message', ({ id, value, error }: Answer) => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) one?.resolve(value as never);
    else one?.reject(Object.assign(new Error(error.message), { code: error.code }));
  });
  const ask = <T>(call: keyof FileSystem, args: readonly unknown[]): Promise<T> =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve, reject });
      port.postMessage({ id, call, args });
    });
  return {
    open: (...args) => ask('open', args),
    writev: (fd, parts, position) => ask('writev', [fd, parts.map((p) => p.slice()), position]),
    datasync: (...args) => ask('datasync', args),
    truncate: (...args) => ask('truncate', args),
    close: (...args) => ask('close', args),
    read: (...args) => ask('read', args),
    rename: (...args) => ask('rename', args),
    link: (...args) => ask('link', args),
    unlink: (...args) => ask('unlink', args),
    makeDirectory: (...args) => ask('makeDirectory', args),
    list: (...args) => ask('list', args),
    stat: (...args) => ask('stat', args),
    touch: (...args) => ask('touch', args),
    syncDirectory: (...args) => ask('syncDirectory', args),
  };
}
