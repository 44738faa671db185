/** Every source in order, merged, expanded: the tree that components are decoded from. */
import { messageOf } from '../lib/errors.ts';
import { expand } from './expand.ts';
import { merge } from './merge.ts';
import { configError } from './problem.ts';
import { asLocation, nested, retrieve, type Surroundings } from './providers.ts';
import { isMap, parseYaml, type ConfigMap } from './yaml.ts';

export interface Sources {
  /** Locations in the order of their `--config` flags. */
  readonly configs: readonly string[];
  /** `a.b=c`, after every location. */
  readonly sets: readonly string[];
}

/** @throws ConfigError */
export async function loadTree(sources: Sources, around: Surroundings): Promise<ConfigMap> {
  const [only] = sources.configs;
  if (only === undefined) {
    throw configError('source_failed', [], 'at least one configuration is needed, use --config');
  }
  let tree: ConfigMap = {};
  for (const written of sources.configs) tree = merge(tree, await readSource(written, around));
  for (const written of sources.sets) tree = merge(tree, readSet(written));
  return expand(tree, around);
}

async function readSource(written: string, around: Surroundings): Promise<ConfigMap> {
  const location = asLocation(written);
  try {
    const { value } = await retrieve(location, around);
    if (value === null) return {};
    if (isMap(value)) return value;
  } catch (cause) {
    throw configError('source_failed', [], messageOf(cause));
  }
  throw configError('source_failed', [], `${shown(location)} must be a map of sections`);
}

/** Secrets may stand in a literal. */
function shown(location: string): string {
  return location.startsWith('yaml:') ? 'the yaml: literal' : location;
}

function readSet(written: string): ConfigMap {
  const cut = written.indexOf('=');
  if (cut <= 0) {
    throw configError('source_failed', [], `--set ${written}: expected key=value`);
  }
  const key = written.slice(0, cut).replaceAll('.', '::');
  try {
    return nested({ [key]: parseYaml(written.slice(cut + 1)) });
  } catch (cause) {
    throw configError('source_failed', [], `--set ${written}: ${messageOf(cause)}`);
  }
}
