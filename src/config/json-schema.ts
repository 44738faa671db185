/** JSON Schemas (draft 2020-12) of what a file may say, for editors. The zod schemas say what a value
 *  is after reading; the file may also say `${env:X}`, nothing at all, or one string for a list. */
import { z } from 'zod';

/** One schema, or any part of one. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** To be put under `$defs` of a document that has schemas from here. */
export const definitions: JsonSchema = {
  reference: {
    type: 'string',
    pattern: String.raw`\$\{[^}]+\}`,
    description: 'A value from elsewhere: ${env:NAME}, ${env:NAME:-default}, ${file:path}.',
  },
};

const reference: JsonSchema = { $ref: '#/$defs/reference' };
const nothing: JsonSchema = { type: 'null' };

/** What a file may have where the schema stands. */
export function fileSchema(schema: z.ZodType): JsonSchema {
  const json: unknown = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const { $schema: _, ...rest } = asSchema(json);
  return orNothing(relaxed(rest));
}

/** A key may stand there with nothing after it. */
export function orNothing(schema: JsonSchema): JsonSchema {
  if (Object.keys(schema).length === 0) return schema;
  return withChoices(schema, [nothing]);
}

function relaxed(schema: JsonSchema): JsonSchema {
  const inner = Object.fromEntries(
    Object.entries(schema).flatMap(([key, value]) => keyword(key, value, schema)),
  );
  if (Object.keys(inner).every((key) => annotations.has(key))) return inner;
  if (schema['type'] === 'array' && isText(schema['items'])) {
    return withChoices(inner, [{ type: 'string' }]);
  }
  return isText(schema) ? inner : withChoices(inner, [reference]);
}

function isText(schema: unknown): boolean {
  if (!isSchema(schema)) return false;
  return schema['type'] === 'string' && !('enum' in schema) && !('pattern' in schema);
}

/** What tells an editor something and constrains nothing. */
const annotations = new Set(['description', 'default', 'examples', 'deprecated', 'title']);

/** One more choice, with what there is to tell kept at the top, where editors look for it. */
function withChoices(schema: JsonSchema, choices: readonly JsonSchema[]): JsonSchema {
  const entries = Object.entries(schema);
  const told = entries.filter(([key]) => annotations.has(key));
  const rest = Object.fromEntries(entries.filter(([key]) => !annotations.has(key)));
  const isChoice = Array.isArray(rest['anyOf']) && Object.keys(rest).length === 1;
  const first: unknown[] = isChoice && Array.isArray(rest['anyOf']) ? rest['anyOf'] : [rest];
  return { ...Object.fromEntries(told), anyOf: [...first, ...choices] };
}

/** For redaction, and zod's names for what `pattern` says too. */
const dropped = new Set(['opaque', 'format']);

function keyword(key: string, value: unknown, of: JsonSchema): [string, unknown][] {
  if (dropped.has(key) || isSafeIntegerBound(value)) return [];
  switch (key) {
    case 'properties':
      return [[key, properties(asSchema(value), of['required'])]];
    case 'items':
    case 'additionalProperties':
      return [[key, isSchema(value) ? relaxed(value) : value]];
    case 'anyOf':
    case 'oneOf':
    case 'allOf':
      // The whole gets the choice of a reference, its parts need none.
      return [[key, Array.isArray(value) ? value.map(part) : value]];
    default:
      return [[key, value]];
  }
}

/** A choice as it is, with its keys and items relaxed. */
function part(value: unknown): unknown {
  if (!isSchema(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => keyword(key, inner, value)),
  );
}

function properties(schemas: JsonSchema, required: unknown): JsonSchema {
  const must: readonly unknown[] = Array.isArray(required) ? required : [];
  return Object.fromEntries(
    Object.entries(schemas).map(([name, value]) => {
      const inner = relaxed(asSchema(value));
      return [name, must.includes(name) ? inner : orNothing(inner)];
    }),
  );
}

/** Zod says of every integer that it can be counted exactly. */
function isSafeIntegerBound(value: unknown): boolean {
  return typeof value === 'number' && Math.abs(value) === Number.MAX_SAFE_INTEGER;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asSchema(value: unknown): JsonSchema {
  return isSchema(value) ? value : {};
}
