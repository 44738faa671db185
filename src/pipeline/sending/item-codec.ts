/** A batch as bytes, for queues that outlive the process. Spans are their frame; metrics and logs a
 *  JSON line that says what they are, then the request. */
import { isOpaque, type Batch, type OpaqueBatch } from '../../component/consumer.ts';
import { decodeFrame, encodeFrame } from '../../model/batch/frame.ts';

const NEWLINE = 0x0a;
const BRACE = 0x7b;

export function encodeItem(batch: Batch): Uint8Array {
  if (!isOpaque(batch)) return encodeFrame(batch);
  const { signal, count, tenant, bytes } = batch;
  const head = Buffer.from(`${JSON.stringify({ signal, count, tenant })}\n`);
  return Buffer.concat([head, bytes]);
}

/** Throws when the bytes are no item: damaged, or of a newer version. */
export function decodeItem(item: Uint8Array): Batch {
  if (item[0] !== BRACE) return decodeFrame(item);
  const end = item.indexOf(NEWLINE);
  const head: unknown = JSON.parse(Buffer.from(item.subarray(0, end)).toString());
  if (!isHead(head)) throw new TypeError('not a queued batch');
  const bytes = item.subarray(end + 1);
  return { ...head, bytes, byteSize: bytes.length };
}

type Head = Pick<OpaqueBatch, 'signal' | 'count' | 'tenant'>;

function isHead(value: unknown): value is Head {
  if (typeof value !== 'object' || value === null) return false;
  const { signal, count, tenant } = { signal: '', count: '', tenant: 0, ...value };
  const isSignal = signal === 'metrics' || signal === 'logs';
  return isSignal && typeof count === 'number' && typeof tenant === 'string';
}
