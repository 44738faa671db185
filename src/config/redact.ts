/** A configuration as it may be shown: secrets replaced, everything else as it was written. What a
 *  secret is, the schema says. */
import { z } from 'zod';
import { coreOf, plainValue } from './decode.ts';
import { Expanded } from './expand.ts';
import { isOpaque } from './kinds.ts';
import { isMap, type ConfigValue } from './yaml.ts';

const hidden = '[REDACTED]';

export function redacted(schema: z.ZodType, value: ConfigValue): ConfigValue {
  const core = coreOf(schema);
  if (isOpaque(core)) return value === null ? null : hidden;
  if (value instanceof Expanded) return redacted(schema, value.value);
  if (Array.isArray(value)) {
    const element = core instanceof z.ZodArray ? core.element : undefined;
    return value.map((item: ConfigValue) => inner(element, item));
  }
  if (!isMap(value)) return value;
  const childOf = childSchemas(core);
  const entries = Object.entries(value).map(([key, item]) => [key, inner(childOf(key), item)]);
  return Object.fromEntries(entries);
}

function childSchemas(core: z.ZodType): (key: string) => z.core.$ZodType | undefined {
  if (core instanceof z.ZodObject) return (key) => core.shape[key];
  if (core instanceof z.ZodRecord) return () => core.valueType;
  if (!(core instanceof z.ZodUnion)) return () => undefined;
  const objects = core.options.map((option) =>
    option instanceof z.ZodType ? childSchemas(coreOf(option)) : () => undefined,
  );
  return (key) => objects.map((childOf) => childOf(key)).find((child) => child !== undefined);
}

function inner(schema: z.core.$ZodType | undefined, value: ConfigValue): ConfigValue {
  return schema instanceof z.ZodType ? redacted(schema, value) : plainValue(value);
}
