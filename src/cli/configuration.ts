/** From flags to checked settings, the same way for every command. */
import type { Registry } from '../component/registry.ts';
import { loadTree, type Sources } from '../config/load.ts';
import type { Surroundings } from '../config/providers.ts';
import type { ConfigMap } from '../config/yaml.ts';
import { assertNoProblems, readSettings, type Settings } from '../pipeline/settings.ts';
import { validateSettings } from '../pipeline/validate.ts';
import { registry } from '../registry.ts';
import { allInOne } from './all-in-one.ts';

/** A source that does not answer must not hold the start up for ever. */
const fetchTimeoutMs = 15_000;

export interface Configuration {
  /** Merged and expanded. */
  readonly tree: ConfigMap;
  readonly settings: Settings;
  /** Things that are allowed but deserve a line in the log. */
  readonly warnings: readonly string[];
}

/** @throws ConfigError with every problem */
export async function readConfiguration(sources: Sources): Promise<Configuration> {
  const { tree, warnings } = await readTree(sources);
  const everything: Registry = registry;
  const reading = await readSettings(tree, everything);
  assertNoProblems([...reading.problems, ...validateSettings(reading)]);
  return {
    tree,
    settings: reading.settings,
    warnings: [...warnings, ...reading.settings.warnings],
  };
}

export async function readTree(sources: Sources) {
  const warnings: string[] = [];
  const around: Surroundings = {
    env: process.env,
    warn: (message) => void warnings.push(message),
    fetch: (url) => fetch(url, { signal: AbortSignal.timeout(fetchTimeoutMs) }),
  };
  const configs = sources.configs.length > 0 ? sources.configs : [`yaml:${allInOne(process.env)}`];
  const tree = await loadTree({ configs, sets: sources.sets }, around);
  return { tree, warnings: [...new Set(warnings)] };
}
