/** Later sources over earlier ones: maps merge, everything else (lists too) is replaced, and a later
 *  null replaces a whole map. */
import { isMap, type ConfigMap } from './yaml.ts';

export function merge(earlier: ConfigMap, later: ConfigMap): ConfigMap {
  const merged = new Map(Object.entries(earlier));
  for (const [key, value] of Object.entries(later)) {
    const before = merged.get(key);
    merged.set(key, isMap(before) && isMap(value) ? merge(before, value) : value);
  }
  return Object.fromEntries(merged);
}
