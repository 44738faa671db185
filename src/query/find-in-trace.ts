/** Text search inside one trace, for the find box: a span matches when every word is somewhere in
 *  it, without regard to case. */

import type { AttributeValue, KeyValue } from '../model/attribute.ts';
import { jsonValue } from '../model/attribute-json.ts';
import { serviceOf, type Span } from '../model/trace/span.ts';

/** The words of a query: split at spaces, quotes keep them together. */
export function wordsOf(query: string): string[] {
  const words = query.match(/"[^"]*"|\S+/g) ?? [];
  return words.map((word) => word.replaceAll('"', '').toLowerCase()).filter((word) => word !== '');
}

/** Ids of the matching spans, in the order given. No words match nothing. */
export function findInTrace(spans: readonly Span[], query: string): string[] {
  const words = wordsOf(query);
  if (words.length === 0) return [];
  return spans.filter((span) => matches(span, words)).map(({ spanId }) => spanId);
}

function matches(span: Span, words: readonly string[]): boolean {
  const texts = searchable(span);
  return words.every((word) => texts.some((text) => text.includes(word)));
}

function searchable(span: Span): string[] {
  const texts = [span.spanId, serviceOf(span), span.name, span.statusMessage, span.scope.name];
  texts.push(...pairs(span.attributes), ...pairs(span.resource.attributes));
  for (const event of span.events) texts.push(event.name, ...pairs(event.attributes));
  for (const link of span.links) texts.push(link.traceId, link.spanId, ...pairs(link.attributes));
  return texts.map((text) => text.toLowerCase());
}

function pairs(attributes: readonly KeyValue[]): string[] {
  return attributes.map(({ key, value }) => `${key}=${textOf(value)}`);
}

function textOf(value: AttributeValue): string {
  if (value.type === 'empty') return '';
  if (value.type === 'array' || value.type === 'kvlist') return JSON.stringify(jsonValue(value));
  return value.type === 'bytes' ? '' : String(value.value);
}
