/** google.rpc.Status, the body of every OTLP/HTTP error and of `grpc-status-details-bin`, and
 *  google.rpc.RetryInfo inside it, written by hand: two messages of two fields each. */

const encoder = new TextEncoder();
const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo';

export interface RpcStatus {
  readonly grpcCode: number;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
}

export function statusBytes({ grpcCode, message, retryAfterMs }: RpcStatus): Uint8Array {
  const out = [...number(1, grpcCode), ...field(2, encoder.encode(message))];
  if (retryAfterMs !== undefined) {
    const info = [...field(1, encoder.encode(RETRY_INFO)), ...field(2, retryInfo(retryAfterMs))];
    out.push(...field(3, info));
  }
  return Uint8Array.from(out);
}

export function statusJson({ grpcCode, message, retryAfterMs }: RpcStatus): string {
  const retry = { '@type': RETRY_INFO, retryDelay: `${(retryAfterMs ?? 0) / 1000}s` };
  return JSON.stringify({
    code: grpcCode,
    message,
    ...(retryAfterMs === undefined ? {} : { details: [retry] }),
  });
}

function retryInfo(retryAfterMs: number): number[] {
  const seconds = Math.floor(retryAfterMs / 1000);
  const nanos = Math.round((retryAfterMs - seconds * 1000) * 1e6);
  return field(1, [...number(1, seconds), ...number(2, nanos)]);
}

function number(tag: number, value: number): number[] {
  return value === 0 ? [] : [tag << 3, ...varint(value)];
}

function field(tag: number, bytes: ArrayLike<number>): number[] {
  return [(tag << 3) | 2, ...varint(bytes.length), ...Array.from(bytes)];
}

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) out.push((rest & 0x7f) | 0x80);
  out.push(rest);
  return out;
}
