/** Some SDKs put what describes themselves on every span: it belongs to the resource. */

import type { KeyValue } from '../../model/attribute.ts';
import { jsonValue } from '../../model/attribute-json.ts';
import type { Span } from '../../model/trace/span.ts';

const SDK_KEYS = new Set([
  'telemetry.sdk.language',
  'telemetry.sdk.name',
  'telemetry.sdk.version',
  'telemetry.distro.name',
  'telemetry.distro.version',
]);

export function sdkAttributesToResource(span: Span): Span {
  const moving = span.attributes.filter(({ key }) => SDK_KEYS.has(key));
  if (moving.length === 0) return span;
  const added: KeyValue[] = [];
  const staying = new Set<string>();
  for (const attribute of moving) {
    const there = span.resource.attributes.find(({ key }) => key === attribute.key);
    if (there === undefined) added.push(attribute);
    else if (!isSame(there, attribute)) staying.add(attribute.key);
  }
  const warnings = [...staying].map(
    (key) => `conflicting values between Span and Resource for attribute ${key}`,
  );
  return {
    ...span,
    attributes: span.attributes.filter(({ key }) => !SDK_KEYS.has(key) || staying.has(key)),
    resource: { ...span.resource, attributes: [...span.resource.attributes, ...added] },
    warnings: [...span.warnings, ...warnings],
  };
}

function isSame(a: KeyValue, b: KeyValue): boolean {
  return (
    a.value.type === b.value.type &&
    JSON.stringify(jsonValue(a.value)) === JSON.stringify(jsonValue(b.value))
  );
}
