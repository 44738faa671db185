/** About what a span takes as OTLP: what limits in bytes count. Lengths only, nothing is encoded.
 *  Hot: benchmark `bench/pipeline.ts`. */

import { holdsString } from './gather.ts';
import type { AttributeTable, SpanBatch } from './span-batch.ts';

/** Ids, times, tags and lengths of a span, an event, a link, an attribute. */
const SPAN_BYTES = 62;
const EVENT_BYTES = 16;
const LINK_BYTES = 36;
const ATTRIBUTE_BYTES = 8;

export function rowSize(batch: SpanBatch, row: number): number {
  const { offsets } = batch.strings;
  const length = (id: number): number => offsets[id + 1]! - offsets[id]!;
  const { columns, attributes } = batch.spans;
  let size = SPAN_BYTES + length(columns.names[row]!) + length(columns.statusMessages[row]!);
  size += attributesSize(attributes, row, length);
  const { events, links } = batch;
  for (let i = events.starts[row]!; i < events.starts[row + 1]!; i++) {
    size += EVENT_BYTES + length(events.columns.names[i]!);
    size += attributesSize(events.attributes, i, length);
  }
  for (let i = links.starts[row]!; i < links.starts[row + 1]!; i++) {
    size += LINK_BYTES + attributesSize(links.attributes, i, length);
  }
  return size;
}

function attributesSize(
  { starts, keys, types, values }: AttributeTable,
  owner: number,
  length: (id: number) => number,
): number {
  let size = 0;
  for (let i = starts[owner]!; i < starts[owner + 1]!; i++) {
    size += ATTRIBUTE_BYTES + length(keys[i]!);
    size += holdsString(types[i]!) ? length(values[i * 2]!) : 8;
  }
  return size;
}
