/** A batch as bytes, for queues that outlive the process. Spans are their frame, after a JSON line
 *  when it is known who sent them; metrics and logs are such a line and the request. A frame has its
 *  own checksum; what has a line has one in front. Request headers are kept; what authentication said
 *  is not: it was true then. */
import { crc32 } from 'node:zlib';
import { isMessages, sentBy, type Batch } from '../../component/consumer.ts';
import { messagesOfBytes, type MessageBatch } from '../../component/message-batch.ts';
import type { Client } from '../../model/batch/client.ts';
import { decodeFrame, encodeFrame } from '../../model/batch/frame.ts';

const NEWLINE = 0x0a;
const BRACE = 0x7b;
const CHECKED_MAGIC = 0x31515053; // "SPQ1"
/** Magic, crc32 of everything behind it. */
const CHECKED_BYTES = 8;

export function encodeItem(batch: Batch): Uint8Array {
  const client = keptClient(batch.client);
  if (!isMessages(batch)) {
    const frame = encodeFrame(batch);
    return client === undefined ? frame : withHead({ signal: 'traces', client }, frame);
  }
  const { signal, count, tenant, payload } = batch;
  return withHead({ signal, count, tenant, client }, payload.bytes);
}

/** Throws when the bytes are no item: damaged, or of a newer version. */
export function decodeItem(item: Uint8Array): Batch {
  const view = new DataView(item.buffer, item.byteOffset, item.byteLength);
  if (item.length >= CHECKED_BYTES && view.getUint32(0, true) === CHECKED_MAGIC) {
    const content = item.subarray(CHECKED_BYTES);
    if (crc32(content) !== view.getUint32(4, true)) throw new RangeError('its checksum differs');
    return decodeContent(content);
  }
  // The first versions wrote no checksum before a line.
  return decodeContent(item);
}

function decodeContent(item: Uint8Array): Batch {
  if (item[0] !== BRACE) return decodeFrame(item);
  const end = item.indexOf(NEWLINE);
  const head: unknown = JSON.parse(Buffer.from(item.subarray(0, end)).toString());
  const bytes = item.subarray(end + 1);
  if (isTracesHead(head)) return sentBy(decodeFrame(bytes), clientOf(head.client));
  if (!isHead(head)) throw new TypeError('not a queued batch');
  const { signal, count, tenant, client } = head;
  const batch = messagesOfBytes({ signal, count, tenant, bytes });
  return client === undefined ? batch : sentBy(batch, clientOf(client));
}

function withHead(head: object, bytes: Uint8Array): Uint8Array {
  const line = Buffer.from(`${JSON.stringify(head)}\n`);
  const item = Buffer.alloc(CHECKED_BYTES + line.length + bytes.length);
  item.set(line, CHECKED_BYTES);
  item.set(bytes, CHECKED_BYTES + line.length);
  item.writeUInt32LE(CHECKED_MAGIC, 0);
  item.writeUInt32LE(crc32(item.subarray(CHECKED_BYTES)), 4);
  return item;
}

/** Written out: address and headers. */
function keptClient(client: Client | undefined): object | undefined {
  if (client === undefined) return undefined;
  return { address: client.address, metadata: [...client.metadata] };
}

function clientOf(kept: unknown): Client {
  const { address, metadata } = { address: '', metadata: [], ...Object(kept) };
  const pairs: unknown[] = Array.isArray(metadata) ? metadata : [];
  return {
    address: String(address),
    metadata: new Map(pairs.flatMap(metadataPair)),
    auth: new Map(),
  };
}

function metadataPair(pair: unknown): [string, readonly string[]][] {
  if (!Array.isArray(pair)) return [];
  const [name, values]: unknown[] = pair;
  return Array.isArray(values) ? [[String(name), values.map(String)]] : [];
}

type Head = Pick<MessageBatch, 'signal' | 'count' | 'tenant'> & { readonly client?: unknown };

function isTracesHead(value: unknown): value is { readonly client: unknown } {
  return typeof value === 'object' && value !== null && 'signal' in value
    ? value.signal === 'traces' && 'client' in value
    : false;
}

function isHead(value: unknown): value is Head {
  if (typeof value !== 'object' || value === null) return false;
  const { signal, count, tenant } = { signal: '', count: '', tenant: 0, ...value };
  const isSignal = signal === 'metrics' || signal === 'logs';
  return isSignal && typeof count === 'number' && typeof tenant === 'string';
}
