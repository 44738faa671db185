/** A component's page in docs/config, written from its schema: what the file may say is what the
 *  schema accepts, so the page cannot promise anything else. */
import { z } from 'zod';

export interface Described {
  readonly type: string;
  readonly aliases?: readonly string[];
  readonly stability: string;
  readonly summary: string;
  readonly signals?: readonly string[];
  readonly routes?: readonly { readonly from: string; readonly to: string }[];
  readonly config: z.ZodType;
}

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly required?: readonly string[];
}

interface Key {
  readonly path: string;
  readonly kind: string;
  readonly fallback: string;
  readonly text: string;
}

const code = (value: unknown) => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;

function kindOf(schema: JsonSchema): string {
  if (schema.enum) return schema.enum.map(code).join(', ');
  if (schema.const !== undefined) return code(schema.const);
  if (schema.examples?.length) return `like ${code(schema.examples[0])}`;
  const choices = schema.anyOf ?? schema.allOf;
  if (choices) return [...new Set(choices.map(kindOf))].join(' or ');
  if (schema.type === 'array') return `list of ${schema.items ? kindOf(schema.items) : 'values'}`;
  if (schema.type === 'object') return 'block';
  return [schema.type ?? 'any'].flat().join(' or ');
}

/** Blocks may hide in a union with null: a key with nothing under it. */
function blockIn(schema: JsonSchema): JsonSchema | undefined {
  if (schema.properties ?? typeof schema.additionalProperties === 'object') return schema;
  return (schema.anyOf ?? schema.allOf)?.map(blockIn).find((found) => found !== undefined);
}

function fallbackOf(schema: JsonSchema, isRequired: boolean): string {
  if (schema.default === undefined) return isRequired ? 'required' : '';
  const isBlock = typeof schema.default === 'object' && !Array.isArray(schema.default);
  return isBlock ? 'on' : code(schema.default);
}

function keysOf(schema: JsonSchema, path = ''): Key[] {
  const block = blockIn(schema);
  if (block === undefined) return [];
  const own = Object.entries(block.properties ?? {}).flatMap(([name, child]) => {
    const isRequired = block.required?.includes(name) === true;
    const at = `${path}${name}`;
    const key = { path: at, kind: kindOf(child), text: child.description ?? '' };
    const inner = keysOf(child, `${at}.`);
    return [{ ...key, fallback: fallbackOf(child, isRequired) }, ...inner];
  });
  const any = block.additionalProperties;
  return typeof any === 'object' ? [...own, ...keysOf(any, `${path}<name>.`)] : own;
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function tableOf(keys: readonly Key[]): string {
  if (keys.length === 0) return 'It has no settings.\n';
  const rows = keys.map(
    ({ path, kind, fallback, text }) =>
      `| \`${path}\` | ${cell(kind)} | ${cell(fallback)} | ${cell(text)} |\n`,
  );
  return `| key | value | default | |\n|---|---|---|---|\n${rows.join('')}`;
}

function signalsOf({ signals, routes }: Described): string[] {
  if (routes) return [routes.map(({ from, to }) => `${from} to ${to}`).join(', ')];
  return signals ? [signals.join(', ')] : [];
}

/** The page in Markdown. */
export function componentPage(kind: string, component: Described): string {
  const schema = z.toJSONSchema(component.config, { io: 'input', unrepresentable: 'any' });
  const also = component.aliases?.length
    ? [`also written ${component.aliases.map((alias) => `\`${alias}\``).join(', ')}`]
    : [];
  const facts = [component.stability, ...signalsOf(component), ...also].join(' · ');
  const title = `# ${kind} \`${component.type}\`\n`;
  const table = tableOf(keysOf(JSON.parse(JSON.stringify(schema))));
  return `${title}\n${component.summary}\n\n${facts}\n\n${table}`;
}
