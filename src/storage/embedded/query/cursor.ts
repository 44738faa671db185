/** Where a page of traces ended, as text for the client. It carries how far the log had come when
 *  the first page was made: what arrived later is left out of all further pages. */

import { bytesFromHex } from '../../../model/ids.ts';
import { StorageError, type TraceOrder } from '../../contract.ts';

export interface Cursor {
  readonly order: TraceOrder;
  /** The order key of the last trace of the page. */
  readonly key: bigint;
  readonly traceId: string;
  /** The highest log record the first page saw. */
  readonly walTo: number;
}

const ORDERS: readonly TraceOrder[] = [
  'newest',
  'oldest',
  'longest',
  'shortest',
  'mostSpans',
  'mostErrors',
];

export function encodeCursor({ order, key, traceId, walTo }: Cursor): string {
  const text = [ORDERS.indexOf(order), key, traceId, walTo].join(',');
  return Buffer.from(text).toString('base64url');
}

/** Throws StorageError 'invalid' for a text that is no cursor of this order. */
export function decodeCursor(text: string, order: TraceOrder): Cursor {
  const parts = Buffer.from(text, 'base64url').toString().split(',');
  const [index = '', key = '', traceId = '', walTo = ''] = parts;
  const isWhole = parts.length === 4 && /^\d{1,20}$/.test(key) && /^\d{1,16}$/.test(walTo);
  if (!isWhole || bytesFromHex(traceId, 16) === undefined) {
    throw new StorageError('invalid', 'the cursor is not one that a search returned');
  }
  if (ORDERS[Number(index)] !== order) {
    throw new StorageError('invalid', 'the cursor belongs to a search with another order');
  }
  return { order, key: BigInt(key), traceId, walTo: Number(walTo) };
}
