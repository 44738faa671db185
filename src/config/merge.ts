/** Later sources over earlier ones: maps merge, everything else (lists too) is replaced, and a later
 *  null replaces a whole map. */
import { isMap, type ConfigMap, type ConfigValue } from './yaml.ts';

export interface MergeOptions {
  /** Lists of which pipelines and extensions there are get longer instead of being replaced. */
  readonly appends: boolean;
}

export function merge(
  earlier: ConfigMap,
  later: ConfigMap,
  options: MergeOptions = { appends: false },
): ConfigMap {
  return mergeAt([], { earlier, later }, options);
}

interface Maps {
  readonly earlier: ConfigMap;
  readonly later: ConfigMap;
}

function mergeAt(
  path: readonly string[],
  { earlier, later }: Maps,
  options: MergeOptions,
): ConfigMap {
  const merged = new Map(Object.entries(earlier));
  for (const [key, value] of Object.entries(later)) {
    const before = merged.get(key);
    const at = [...path, key];
    if (isMap(before) && isMap(value)) {
      merged.set(key, mergeAt(at, { earlier: before, later: value }, options));
    } else {
      merged.set(key, options.appends && isAppendable(at) ? joined(before, value) : value);
    }
  }
  return Object.fromEntries(merged);
}

/** `service::extensions` and, anywhere below `service`, `receivers` and `exporters`. The order of
 *  processors matters, so these are never appended to. */
function isAppendable(path: readonly string[]): boolean {
  const [section, ...rest] = path;
  const key = rest.at(-1);
  if (section !== 'service' || key === undefined) return false;
  return key === 'receivers' || key === 'exporters' || (rest.length === 1 && key === 'extensions');
}

function joined(before: ConfigValue, value: ConfigValue): ConfigValue {
  if (!Array.isArray(before) || !Array.isArray(value)) return value;
  return [...new Set<ConfigValue>([...before, ...value])];
}
