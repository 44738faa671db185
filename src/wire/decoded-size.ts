/** The bound on what a message may become in memory. An empty span is two bytes on the wire and a
 *  hundred in columns: a message of nothing else would cost fifty times its size. Real spans,
 *  attributes, events and links take at most three to five times theirs, so eight times is
 *  plenty. */

import type { SpanBatchBuilder } from '../model/batch/builder.ts';
import { WireError } from './wire-error.ts';

const GROWTH_MAX = 8;
/** Small messages may be as empty as they like. */
const ALWAYS_ALLOWED = 64 * 1024;

const SPAN_BYTES = 100;
const EVENT_BYTES = 24;
const LINK_BYTES = 44;
const ATTRIBUTE_BYTES = 13;

export class DecodedSize {
  #bytesMax = 0;

  reset(messageBytes: number): void {
    this.#bytesMax = messageBytes * GROWTH_MAX + ALWAYS_ALLOWED;
  }

  check(builder: SpanBatchBuilder, at: number): void {
    const { spans, events, links } = builder;
    const attributes = spans.attributes.count + events.attributes.count + links.attributes.count;
    const bytes =
      spans.count * SPAN_BYTES +
      events.count * EVENT_BYTES +
      links.count * LINK_BYTES +
      attributes * ATTRIBUTE_BYTES;
    if (bytes > this.#bytesMax) {
      throw new WireError(
        'too_large',
        `more than ${GROWTH_MAX} times its size in memory, mostly empty spans, events or links`,
        at,
      );
    }
  }
}
