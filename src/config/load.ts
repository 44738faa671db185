/** Every source in order, merged, expanded: the tree that components are decoded from, and where
 *  each part of it was written. */
import { messageOf } from '../lib/errors.ts';
import { expand } from './expand.ts';
import type { OpenGates } from './gates.ts';
import { merge, type MergeOptions } from './merge.ts';
import { mergePlaces, nowhere, placeAt, placeOf, placesIn, type Place } from './places.ts';
import { ConfigError, type ConfigProblem } from './problem.ts';
import { asLocation, nested, retrieve, type Surroundings } from './providers.ts';
import { isMap, parseYaml, type ConfigMap } from './yaml.ts';

export interface Sources {
  /** Locations in the order of their `--config` flags. */
  readonly configs: readonly string[];
  /** `a.b=c`, after every location. */
  readonly sets: readonly string[];
  readonly gates?: OpenGates | undefined;
}

export interface Loaded {
  readonly tree: ConfigMap;
  /** The problem with the place its value was written at. */
  readonly located: (problem: ConfigProblem) => ConfigProblem;
}

interface Source {
  readonly tree: ConfigMap;
  readonly places: Place;
}

/** @throws ConfigError with everything that is wrong with any source */
export async function loadTree(sources: Sources, around: Surroundings): Promise<Loaded> {
  if (sources.configs.length === 0) {
    const message = 'at least one configuration is needed, use --config';
    throw new ConfigError('source_failed', [{ path: [], message }]);
  }
  const appends = sources.gates?.has('confmap.enableMergeAppendOption') === true;
  const merged = mergeAll(await readAll(sources, around), { appends });
  const { tree, problems, paths } = await expand(merged.tree, around);
  const isExpanded = new Set(paths.map((path) => path.join('::')));
  const located = (problem: ConfigProblem): ConfigProblem => {
    const whole = [...problem.path, ...(problem.below ?? [])];
    const at = placeAt(merged.places, whole);
    const above = whole.map((_, index) => whole.slice(0, index + 1).join('::'));
    const isReferred = above.some((path) => isExpanded.has(path));
    return { ...problem, at: isReferred && at !== undefined ? `${at} (expanded)` : at };
  };
  if (problems.length > 0) {
    throw new ConfigError(
      'source_failed',
      problems.map((problem) => ({ ...problem, at: placeAt(merged.places, problem.path) })),
    );
  }
  return { tree, located };
}

function mergeAll(all: readonly Source[], options: MergeOptions): Source {
  const empty: Source = { tree: {}, places: nowhere };
  return all.reduce(
    (earlier, later) => ({
      tree: merge(earlier.tree, later.tree, options),
      places: mergePlaces(earlier.places, later.places),
    }),
    empty,
  );
}

/** One bad source does not hide the next. */
async function readAll({ configs, sets }: Sources, around: Surroundings): Promise<Source[]> {
  const reading = [
    ...configs.map(async (written) => readSource(written, around)),
    ...sets.map(async (written) => readSet(written)),
  ];
  const results = await Promise.allSettled(reading);
  const problems = results.flatMap((result): ConfigProblem[] =>
    result.status === 'rejected' ? [{ path: [], message: messageOf(result.reason) }] : [],
  );
  if (problems.length > 0) throw new ConfigError('source_failed', problems);
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

async function readSource(written: string, around: Surroundings): Promise<Source> {
  const location = asLocation(written);
  const { value, text } = await retrieve(location, around);
  if (value === null) return { tree: {}, places: nowhere };
  const name = shown(location);
  if (!isMap(value)) throw new Error(`${name}: must be a map of sections`);
  return { tree: value, places: placesIn(text, name, location.startsWith('yaml:')) };
}

/** Secrets may stand in a literal. */
function shown(location: string): string {
  if (location.startsWith('yaml:')) return 'yaml:';
  return location.startsWith('file:') ? location.slice('file:'.length) : location;
}

function readSet(written: string): Source {
  const cut = written.indexOf('=');
  if (cut <= 0) throw new Error(`--set ${written}: expected key=value`);
  const key = written.slice(0, cut);
  const steps = key.replaceAll('.', '::').split('::');
  try {
    const tree = nested({ [steps.join('::')]: parseYaml(written.slice(cut + 1)) });
    return { tree, places: placeOf(`--set ${key}`, steps) };
  } catch (cause) {
    throw new Error(`--set ${key}: ${messageOf(cause)}`, { cause });
  }
}
