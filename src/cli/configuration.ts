/** From flags to checked settings, the same way for every command. */
import type { Registry } from '../component/registry.ts';
import { loadTree, type Loaded, type Sources } from '../config/load.ts';
import { ConfigError } from '../config/problem.ts';
import type { Surroundings } from '../config/providers.ts';
import type { ConfigMap } from '../config/yaml.ts';
import { readSettings, type Settings } from '../pipeline/settings.ts';
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
  readonly located: Loaded['located'];
}

/** Files asked for, with the text that was read, or undefined where none could be. */
export type FilesRead = Map<string, string | undefined>;

/** @param files is filled, also when reading fails: a change of one of them may mend it
 *  @throws ConfigError with every problem */
export async function readConfiguration(
  sources: Sources,
  files: FilesRead = new Map(),
): Promise<Configuration> {
  const { tree, warnings, located } = await readTree(sources, files);
  const everything: Registry = registry;
  const reading = await readSettings(tree, everything);
  const problems = [...reading.problems, ...validateSettings(reading, sources.gates)];
  if (problems.length > 0) throw new ConfigError('invalid_config', problems.map(located));
  return {
    tree,
    settings: reading.settings,
    located,
    warnings: [...warnings, ...reading.settings.warnings],
  };
}

export async function readTree(
  sources: Sources,
  files: FilesRead = new Map(),
): Promise<Loaded & Pick<Configuration, 'warnings'>> {
  const warnings: string[] = [];
  const around: Surroundings = {
    env: process.env,
    warn: (message) => void warnings.push(message),
    fetch: (url) => fetch(url, { signal: AbortSignal.timeout(fetchTimeoutMs) }),
    read: (path, text) => void files.set(path, text),
  };
  const configs = sources.configs.length > 0 ? sources.configs : [`yaml:${allInOne(process.env)}`];
  const loaded = await loadTree({ ...sources, configs }, around);
  return { ...loaded, warnings: [...new Set(warnings)] };
}
