/** `spoor print-config`: what the sources add up to, fit to be shown. */
import { stringify } from 'yaml';
import { findComponent, sections, type Registry, type Section } from '../component/registry.ts';
import { parseComponentId } from '../config/component-id.ts';
import { plainMap } from '../config/decode.ts';
import { ServiceSettings } from '../config/document.ts';
import { redacted } from '../config/redact.ts';
import { isMap, type ConfigMap, type ConfigValue } from '../config/yaml.ts';
import { registry } from '../registry.ts';
import { parseArguments, UsageError } from './arguments.ts';
import { readConfiguration, readTree } from './configuration.ts';

const flags = {
  mode: { type: 'string', default: 'redacted' },
  format: { type: 'string', default: 'yaml' },
  validate: { type: 'string', default: 'true' },
} as const;

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, flags);
  const choice = (name: string, allowed: readonly string[]) =>
    oneOf(name, parsed.flag(name), allowed);
  const mode = choice('mode', ['redacted', 'unredacted']);
  const format = choice('format', ['yaml', 'json']);
  const isChecked = choice('validate', ['true', 'false']) === 'true';
  const { tree } = await (isChecked ? readConfiguration : readTree)(parsed.sources);
  const shown = mode === 'redacted' ? await redactedTree(tree) : plainMap(tree);
  const text = format === 'json' ? `${JSON.stringify(shown, undefined, 2)}\n` : stringify(shown);
  process.stdout.write(text);
  return 0;
}

function oneOf(name: string, value: string | undefined, allowed: readonly string[]): string {
  if (value !== undefined && allowed.includes(value)) return value;
  throw new UsageError('usage', `--${name} must be ${allowed.join(' or ')}`);
}

async function redactedTree(tree: ConfigMap): Promise<ConfigMap> {
  const shown: ConfigMap = plainMap(tree);
  if (isMap(tree['service'])) shown['service'] = redacted(ServiceSettings, tree['service']);
  for (const section of sections) {
    const raw = tree[section];
    if (isMap(raw)) shown[section] = await redactedSection(section, raw);
  }
  return shown;
}

async function redactedSection(section: Section, raw: ConfigMap): Promise<ConfigMap> {
  const everything: Registry = registry;
  const entries: [string, ConfigValue][] = [];
  for (const [written, value] of Object.entries(raw)) {
    const id = parseComponentId(written);
    const type = typeof id === 'string' ? written : id.type;
    const found = await findComponent<{
      readonly config: Parameters<typeof redacted>[0];
      readonly aliases?: readonly string[];
    }>(everything[section], type);
    // Of an unknown component nobody knows what is secret.
    entries.push([written, found ? redacted(found.definition.config, value) : '[REDACTED]']);
  }
  return Object.fromEntries(entries);
}
