/** Hosts' clocks differ: a child on another host may seem to start before its parent. Such a child
 *  is moved into its parent, and what is below it on the same host moves along.
 *  Rules: a child longer than its parent is moved only when it starts before it, to its start; one
 *  that fits inside stays; any other is centred. A host is its host.id, else its first host.ip,
 *  else its host.name; without any, every span is taken to be on a host of its own. */

import type { Span } from '../../model/trace/span.ts';

interface Skew {
  readonly host: string;
  readonly deltaNano: bigint;
}

export function adjustClockSkew(spans: readonly Span[], maxNano: bigint): Span[] {
  if (maxNano <= 0n) return [...spans];
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const children = Map.groupBy(spans, (span) => parentKey(span, byId));
  const adjusted = new Map<Span, Span>();
  const stack: { span: Span; parent?: Span; skew: Skew }[] = (children.get('') ?? []).map(
    (span) => ({ span, skew: { host: hostOf(span), deltaNano: 0n } }),
  );
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { span, parent } = next;
    const host = hostOf(span);
    const isOther = parent !== undefined && (host === '' || host !== next.skew.host);
    const skew = isOther ? { host, deltaNano: deltaOf(span, parent) } : next.skew;
    const moved = shift(span, skew.deltaNano, maxNano);
    adjusted.set(span, moved);
    for (const child of children.get(span.spanId) ?? []) {
      if (!adjusted.has(child)) stack.push({ span: child, parent: moved, skew });
    }
  }
  return spans.map((span) => adjusted.get(span) ?? span);
}

function parentKey(span: Span, byId: ReadonlyMap<string, Span>): string {
  const isKnown = span.parentSpanId !== span.spanId && byId.has(span.parentSpanId);
  return isKnown ? span.parentSpanId : '';
}

function deltaOf(child: Span, parent: Span): bigint {
  const childDuration = child.endNano - child.startNano;
  const parentDuration = parent.endNano - parent.startNano;
  if (childDuration > parentDuration) {
    return child.startNano < parent.startNano ? parent.startNano - child.startNano : 0n;
  }
  if (child.startNano >= parent.startNano && child.endNano <= parent.endNano) return 0n;
  return parent.startNano + (parentDuration - childDuration) / 2n - child.startNano;
}

function shift(span: Span, deltaNano: bigint, maxNano: bigint): Span {
  if (deltaNano === 0n) return span;
  const size = deltaNano < 0n ? -deltaNano : deltaNano;
  if (size > maxNano) {
    const warning = `max clock skew adjustment delta of ${millis(maxNano)} exceeded; not applying calculated delta of ${millis(deltaNano)}`;
    return { ...span, warnings: [...span.warnings, warning] };
  }
  return {
    ...span,
    startNano: span.startNano + deltaNano,
    endNano: span.endNano + deltaNano,
    events: span.events.map((event) => ({ ...event, timeNano: event.timeNano + deltaNano })),
    warnings: [...span.warnings, `This span's timestamps were adjusted by ${millis(deltaNano)}`],
  };
}

function hostOf({ resource }: Span): string {
  for (const wanted of ['host.id', 'host.ip', 'host.name']) {
    const value = resource.attributes.find(({ key }) => key === wanted)?.value;
    const first = value?.type === 'array' ? value.value[0] : value;
    if (first?.type === 'string' && first.value !== '') return first.value;
  }
  return '';
}

function millis(nano: bigint): string {
  return `${Number(nano) / 1e6}ms`;
}
