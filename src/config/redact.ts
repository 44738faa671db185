/** A configuration as it may be shown: secrets replaced, everything else as it was written. What a
 *  secret is, the schema says; of what no schema describes, request headers are. */
import { z } from 'zod';
import { coreOf } from './decode.ts';
import { Expanded } from './expand.ts';
import { isOpaque } from './kinds.ts';
import { isMap, type ConfigValue } from './yaml.ts';

const hidden = '[REDACTED]';

/** User and password in a URL. */
const userInfo = /(?<=:\/\/)[^\s/?#]*(?=@)/g;

/** Keys that have secrets in them where no schema says so. */
const secretive: ReadonlySet<string> = new Set(['headers', 'headers_list']);

export function redacted(schema: z.ZodType | undefined, value: ConfigValue): ConfigValue {
  const core = schema && coreOf(schema);
  if (core && isOpaque(core)) return value === null ? null : hidden;
  if (value instanceof Expanded) return redacted(schema, value.value);
  if (Array.isArray(value)) {
    const element = core instanceof z.ZodArray ? core.element : undefined;
    return value.map((item: ConfigValue) => redacted(asType(element), item));
  }
  if (typeof value === 'string') return value.replaceAll(userInfo, hidden);
  if (!isMap(value)) return value;
  const childOf = childSchemas(core);
  const entries = Object.entries(value).map(([key, item]) => {
    const child = asType(childOf(key));
    return [key, child === undefined && secretive.has(key) ? hidden : redacted(child, item)];
  });
  return Object.fromEntries(entries);
}

function childSchemas(core: z.ZodType | undefined): (key: string) => z.core.$ZodType | undefined {
  if (core instanceof z.ZodObject) return (key) => core.shape[key];
  if (core instanceof z.ZodRecord) return () => core.valueType;
  if (!(core instanceof z.ZodUnion)) return () => undefined;
  const objects = core.options.map((option) =>
    option instanceof z.ZodType ? childSchemas(coreOf(option)) : () => undefined,
  );
  return (key) => objects.map((childOf) => childOf(key)).find((child) => child !== undefined);
}

function asType(schema: z.core.$ZodType | undefined): z.ZodType | undefined {
  return schema instanceof z.ZodType ? schema : undefined;
}
