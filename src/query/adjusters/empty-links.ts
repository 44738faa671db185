/** A link without a trace id or span id leads nowhere and is left out, with a warning. */

import type { Span } from '../../model/trace/span.ts';

const ZEROS = /^0*$/;

export function dropEmptyLinks(span: Span): Span {
  const links = span.links.filter(
    ({ traceId, spanId }) => !ZEROS.test(traceId) && !ZEROS.test(spanId),
  );
  if (links.length === span.links.length) return span;
  return { ...span, links, warnings: [...span.warnings, 'Invalid empty span link is dropped'] };
}
