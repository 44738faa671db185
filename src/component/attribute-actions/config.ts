/** The list of actions that the attributes and resource processors share. */
import { z } from 'zod';
import type { AttributeValue } from '../../model/attribute.ts';

const plainValue = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.array(z.unknown()),
  z.record(z.string(), z.unknown()),
]);

const actionNames = ['insert', 'update', 'upsert', 'delete', 'hash', 'extract', 'convert'] as const;

export const AttributeAction = z
  .strictObject({
    key: z.string().default('').describe('The attribute to change.'),
    action: z
      .preprocess(
        (name) => (typeof name === 'string' ? name.toLowerCase() : name),
        z.enum(actionNames),
      )
      .describe('insert: only when absent; update: only when present; upsert: either way.'),
    value: plainValue.optional().describe('The value to set, of the type written here.'),
    from_attribute: z.string().optional().describe('Copy the value of this attribute.'),
    default_value: plainValue
      .optional()
      .describe('For when from_attribute or from_context finds nothing.'),
    pattern: z
      .string()
      .optional()
      .describe('RE2: which keys to delete or hash, or with extract the named groups to take.'),
    converted_type: z.enum(['int', 'double', 'string']).optional().describe('For convert.'),
    from_context: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Take the value from the request: metadata.<header> (the receiver needs include_metadata), auth.<attribute> or client.address.',
      ),
  })
  .superRefine((action, context) => {
    for (const message of problemsOf(action)) context.addIssue({ code: 'custom', message });
  });

export type AttributeAction = z.output<typeof AttributeAction>;

interface Written {
  readonly key: string;
  readonly action: (typeof actionNames)[number];
  readonly value?: unknown;
  readonly from_attribute?: string | undefined;
  readonly from_context?: string | undefined;
  readonly pattern?: string | undefined;
  readonly converted_type?: string | undefined;
}

function problemsOf(action: Written): string[] {
  const { key, action: name, pattern } = action;
  const sources = [action.value, action.from_attribute, action.from_context];
  const isByPattern = (name === 'delete' || name === 'hash') && pattern !== undefined;
  const problems = key === '' && !isByPattern ? [`${name} needs a key`] : [];
  if (
    ['insert', 'update', 'upsert'].includes(name) &&
    sources.filter((source) => source !== undefined).length !== 1
  ) {
    problems.push(`${name} needs one of value, from_attribute and from_context`);
  }
  if (name === 'extract' && !/\(\?P?<\w+>/.test(pattern ?? '')) {
    problems.push('extract needs a pattern with named groups like (?P<name>...)');
  }
  if (name === 'convert' && action.converted_type === undefined) {
    problems.push('convert needs converted_type: int, double or string');
  }
  return problems;
}

/** What YAML wrote, as an attribute: whole numbers are ints. */
export function attributeValue(written: unknown): AttributeValue {
  if (typeof written === 'string') return { type: 'string', value: written };
  if (typeof written === 'boolean') return { type: 'bool', value: written };
  if (typeof written === 'number') {
    return Number.isInteger(written)
      ? { type: 'int', value: BigInt(written) }
      : { type: 'double', value: written };
  }
  if (Array.isArray(written)) return { type: 'array', value: written.map(attributeValue) };
  if (typeof written === 'object' && written !== null) {
    const value = Object.entries(written).map(([key, of]) => ({ key, value: attributeValue(of) }));
    return { type: 'kvlist', value };
  }
  return { type: 'empty' };
}
