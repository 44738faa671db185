/** How gRPC writes things into headers: time-outs, messages, statuses (gRPC over HTTP/2). */

import { GrpcCode, OtlpError, type Refusal } from './refusal.ts';
import { statusBytes } from '../../wire/rpc-status.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** Milliseconds of a `grpc-timeout`, undefined without one. Throws OtlpError. */
export function timeoutMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(header) ?? [];
  const factor = UNIT_MS[unit];
  if (digits === undefined || factor === undefined) {
    throw new OtlpError('bad_request', `grpc-timeout "${header}" is none`);
  }
  return Number(digits) * factor;
}

/** The headers that end a refused call. */
export function errorTrailers(refusal: Refusal): Record<string, string> {
  const { grpcCode, message, retryAfterMs } = refusal;
  const needsDetails = retryAfterMs !== undefined || grpcCode === GrpcCode.invalidArgument;
  return {
    'grpc-status': String(grpcCode),
    'grpc-message': percentEncoded(message),
    ...(needsDetails
      ? { 'grpc-status-details-bin': Buffer.from(statusBytes(refusal)).toString('base64') }
      : {}),
  };
}

/** Printable ASCII as it is, other bytes of the UTF-8 text as %XX. */
export function percentEncoded(text: string): string {
  let out = '';
  for (const byte of new TextEncoder().encode(text)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    out += isPlain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}
