/** What Jaeger does to a trace before people see it, in Jaeger's order. Adjusters take and return
 *  spans; what they change they copy. */

import type { Span } from '../../model/trace/span.ts';
import { adjustClockSkew } from './clock-skew.ts';
import { collapseDuplicates } from './duplicates.ts';
import { dropEmptyLinks } from './empty-links.ts';
import { dottedAddresses } from './ip-addresses.ts';
import { sdkAttributesToResource } from './sdk-attributes.ts';
import { splitSharedIds } from './shared-ids.ts';
import { sortCollections } from './sort.ts';

export interface AdjustOptions {
  /** Largest shift of a span whose host's clock is off; 0 leaves all times as they are. */
  readonly maxClockSkewNano: bigint;
}

export function adjust(spans: readonly Span[], options: AdjustOptions): Span[] {
  const whole = collapseDuplicates(splitSharedIds(spans).map(sortCollections));
  const timed = adjustClockSkew(whole, options.maxClockSkewNano);
  return timed.map((span) => dropEmptyLinks(sdkAttributesToResource(dottedAddresses(span))));
}
