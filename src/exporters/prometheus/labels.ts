/** The labels of a series: attributes under Prometheus names, the scope, job and instance. */
import type { AttributeValue, KeyValue } from '../../model/attribute.ts';
import type { Scope } from '../../model/signal-message.ts';
import type { PrometheusConfig } from './config.ts';
import { labelName } from './naming.ts';

/** Sorted by name. */
export type Labels = readonly (readonly [name: string, value: string])[];

const SERVICE_NAME = 'service.name';
const SERVICE_NAMESPACE = 'service.namespace';
const SERVICE_INSTANCE = 'service.instance.id';
const identifying = new Set([SERVICE_NAME, SERVICE_NAMESPACE, SERVICE_INSTANCE]);

type NamingConfig = Pick<
  PrometheusConfig,
  | 'translation_strategy'
  | 'const_labels'
  | 'without_scope_info'
  | 'resource_to_telemetry_conversion'
  | 'resource_constant_labels'
>;

/** What all series of one resource share. */
export interface Target {
  readonly labels: readonly KeyValue[];
  readonly job: string;
  readonly instance: string;
  /** Attributes that tell about the target; empty when there is nothing to tell. */
  readonly info: readonly KeyValue[];
}

/** Which resource attributes become labels, by either of the keys that say so. */
export function isLabelOf(config: NamingConfig): (key: string) => boolean {
  const { enabled, exclude_service_attributes: leavesOut } =
    config.resource_to_telemetry_conversion;
  const [isIncluded, isExcluded] = [
    anyOf(config.resource_constant_labels.included),
    anyOf(config.resource_constant_labels.excluded),
  ];
  return (key) =>
    (enabled && !(leavesOut && identifying.has(key))) || (isIncluded(key) && !isExcluded(key));
}

function anyOf(patterns: readonly string[]): (key: string) => boolean {
  const wholes = patterns.map((pattern) => {
    const parts = pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    return new RegExp(`^${parts}$`, 's');
  });
  return (key) => wholes.some((whole) => whole.test(key));
}

export function targetOf(resource: readonly KeyValue[], isLabel: (key: string) => boolean): Target {
  const text = (key: string) => textOf(resource.findLast((one) => one.key === key)?.value);
  const namespace = text(SERVICE_NAMESPACE);
  const service = text(SERVICE_NAME);
  return {
    labels: resource.filter(({ key }) => isLabel(key)),
    job: service !== '' && namespace !== '' ? `${namespace}/${service}` : service,
    instance: text(SERVICE_INSTANCE),
    info: resource.filter(({ key }) => !identifying.has(key)),
  };
}

/** Undefined when an attribute has no possible name. */
export function seriesLabels(
  attributes: readonly KeyValue[],
  { target, scope }: { target: Target; scope: Labels },
  config: NamingConfig,
): Labels | undefined {
  const labels = new Map<string, string>();
  const named = sanitized([...target.labels, ...attributes], config);
  if (named === undefined) return undefined;
  for (const [name, value] of named) labels.set(name, value);
  for (const [name, value] of scope) labels.set(name, value);
  for (const [name, value] of Object.entries(config.const_labels)) labels.set(name, value);
  if (target.job !== '') labels.set('job', target.job);
  if (target.instance !== '') labels.set('instance', target.instance);
  return sorted(labels);
}

export function scopeLabels(scope: Scope, schemaUrl: string, config: NamingConfig): Labels {
  if (config.without_scope_info) return [];
  const own = scope.attributes.map(({ key, value }): [string, string] => [
    labelName(`otel_scope_${key}`, config.translation_strategy) ?? '',
    textOf(value),
  ]);
  const described: [string, string][] = [
    ...own,
    ['otel_scope_name', scope.name],
    ['otel_scope_version', scope.version],
    ['otel_scope_schema_url', schemaUrl],
  ];
  return described.filter(([name, value]) => name !== '' && value !== '');
}

/** Attributes whose names become one are joined by `;`, in the order of their keys. */
function sanitized(
  attributes: readonly KeyValue[],
  config: NamingConfig,
): Map<string, string> | undefined {
  const byKey = new Map(attributes.map(({ key, value }) => [key, value]));
  const keys = [...byKey.keys()].sort();
  const labels = new Map<string, string>();
  for (const key of keys) {
    const name = labelName(key, config.translation_strategy);
    if (name === undefined) return undefined;
    const value = textOf(byKey.get(key));
    const joined = labels.get(name);
    labels.set(name, joined === undefined ? value : `${joined};${value}`);
  }
  return labels;
}

function sorted(labels: ReadonlyMap<string, string>): Labels {
  return [...labels].filter(([, value]) => value !== '').sort(([a], [b]) => (a < b ? -1 : 1));
}

/** A value as the text of a label. */
export function textOf(value: AttributeValue | undefined): string {
  if (value === undefined) return '';
  switch (value.type) {
    case 'empty':
      return '';
    case 'string':
      return value.value;
    case 'bytes':
      return Buffer.from(value.value).toString('base64');
    case 'array':
    case 'kvlist':
      return JSON.stringify(plain(value));
    default:
      return String(value.value);
  }
}

function plain(value: AttributeValue): unknown {
  switch (value.type) {
    case 'array':
      return value.value.map(plain);
    case 'kvlist':
      return Object.fromEntries(value.value.map(({ key, value: inner }) => [key, plain(inner)]));
    case 'bool':
    case 'double':
      return value.value;
    case 'empty':
      return null;
    default:
      return textOf(value);
  }
}
