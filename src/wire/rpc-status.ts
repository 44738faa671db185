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

/** What a peer says of a refusal. Bytes that are no Status read as an empty one: they only explain
 *  an error that is known already. */
export function readStatus(bytes: Uint8Array): Pick<RpcStatus, 'message' | 'retryAfterMs'> {
  const fields = readFields(bytes);
  const message = new TextDecoder().decode(lastBytes(fields, 2));
  const retryAfterMs = fields
    .filter(({ tag }) => tag === 3)
    .map(({ bytes: detail }) => retryDelay(readFields(detail)))
    .find((delay) => delay !== undefined);
  return { message, retryAfterMs };
}

/** The partial success of an export response: field 1, of a count and a message. */
export function readPartialSuccess(bytes: Uint8Array): { rejected: number; message: string } {
  const fields = readFields(lastBytes(readFields(bytes), 1));
  const rejected = fields.findLast(({ tag }) => tag === 1)?.value ?? 0;
  return { rejected, message: new TextDecoder().decode(lastBytes(fields, 2)) };
}

interface Field {
  readonly tag: number;
  readonly value: number;
  readonly bytes: Uint8Array;
}

const NONE = new Uint8Array(0);

function retryDelay(detail: readonly Field[]): number | undefined {
  if (!new TextDecoder().decode(lastBytes(detail, 1)).endsWith('google.rpc.RetryInfo'))
    return undefined;
  const delay = readFields(lastBytes(readFields(lastBytes(detail, 2)), 1));
  const seconds = delay.find(({ tag }) => tag === 1)?.value ?? 0;
  const nanos = delay.find(({ tag }) => tag === 2)?.value ?? 0;
  return seconds * 1000 + nanos / 1e6;
}

function lastBytes(fields: readonly Field[], tag: number): Uint8Array {
  return fields.findLast((candidate) => candidate.tag === tag)?.bytes ?? NONE;
}

/** Varint and length-delimited fields up to the first thing that is neither. */
function readFields(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let scale = 1; scale < 2 ** 64; scale *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < bytes.length) {
    const key = readVarint();
    const wire = key & 7;
    if (wire !== 0 && wire !== 2) break;
    const value = readVarint();
    const end = wire === 2 ? at + value : at;
    if (end > bytes.length) break;
    fields.push({ tag: Math.floor(key / 8), value, bytes: bytes.subarray(at, end) });
    at = end;
  }
  return fields;
}
