/** `spoor components`: what a configuration may name. */
import { stringify } from 'yaml';
import type { Signal } from '../component/consumer.ts';
import type { Stability } from '../component/define.ts';
import { sections, type Registry } from '../component/registry.ts';
import { schemes } from '../config/providers.ts';
import { registry } from '../registry.ts';
import { packageVersion } from './version.ts';

interface Listed {
  readonly type: string;
  readonly aliases?: readonly string[];
  readonly stability: Stability;
  readonly summary: string;
  readonly signals?: readonly Signal[];
  readonly routes?: readonly { readonly from: Signal; readonly to: Signal }[];
}

export async function run(): Promise<number> {
  const listing: Record<string, unknown> = {
    buildinfo: { command: 'spoor', version: packageVersion() },
  };
  const everything: Registry = registry;
  for (const section of sections) {
    const lines = Object.values(everything[section]);
    const found: Listed[] = await Promise.all(lines.map(async (load) => (await load()).component));
    listing[section] = found.toSorted((a, b) => a.type.localeCompare(b.type)).map(entry);
  }
  listing['providers'] = schemes.map((scheme) => ({ scheme }));
  listing['converters'] = [];
  process.stdout.write(stringify(listing, { aliasDuplicateObjects: false }));
  return 0;
}

function entry({ type, aliases = [], stability, summary, signals, routes }: Listed) {
  const parts = signals ?? routes?.map(({ from, to }) => `${from}-to-${to}`);
  return {
    name: type,
    module: `spoor ${packageVersion()}`,
    ...(aliases.length > 0 ? { aliases } : {}),
    summary,
    stability: parts
      ? Object.fromEntries(parts.map((part) => [part, stability]))
      : { extension: stability },
  };
}
