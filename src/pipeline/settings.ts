/** A configuration with every component found and its section decoded, or the list of everything
 *  that is wrong with it. Components that no pipeline uses are checked too, and never created. */
import type { Signal } from '../component/consumer.ts';
import {
  findComponent,
  sections,
  type Definitions,
  type Registry,
  type Section,
} from '../component/registry.ts';
import { parseComponentId } from '../config/component-id.ts';
import { decode, fingerprint } from '../config/decode.ts';
import {
  ConfigDocument,
  ExtensionList,
  PipelineMap,
  type PipelineSection,
  type ServiceSection,
} from '../config/document.ts';
import { suggestion } from '../config/nearest.ts';
import type { ConfigProblem } from '../config/problem.ts';
import { isMap, type ConfigMap, type ConfigValue } from '../config/yaml.ts';
import { inertTelemetry } from './inert-telemetry.ts';

export interface Configured<D> {
  /** As written, trimmed. */
  readonly id: string;
  readonly definition: D;
  readonly config: unknown;
  /** Equal in two configurations when the section means the same. */
  readonly fingerprint: string;
}

export type ConfiguredSections = {
  readonly [S in Section]: ReadonlyMap<string, Configured<Definitions[S]>>;
};

export interface PipelineSettings {
  /** `traces`, `traces/second`. */
  readonly id: string;
  readonly signal: Signal;
  readonly receivers: readonly string[];
  readonly processors: readonly string[];
  readonly exporters: readonly string[];
}

export interface Settings extends ConfiguredSections {
  readonly pipelines: readonly PipelineSettings[];
  readonly service: ServiceSection;
  /** Every id that is written, sound or not: a reference to an unsound one is no second problem. */
  readonly declared: { readonly [S in Section]: ReadonlySet<string> };
  /** Older names and the like: allowed, worth a line in the log. */
  readonly warnings: readonly string[];
}

/** What decoding could find out. The settings hold every part that is sound, so that references can
 *  be checked in the same run. */
export interface Reading {
  readonly settings: Settings;
  readonly problems: readonly ConfigProblem[];
}

export async function readSettings(tree: ConfigMap, registry: Registry): Promise<Reading> {
  const { value: document, problems: shape } = decode(ConfigDocument, withoutComponents(tree));
  const reader = new SettingsReader(tree, [...shape]);
  const service = document?.service ?? soundParts(tree);
  const settings: Settings = {
    receivers: await reader.section('receivers', registry),
    processors: await reader.section('processors', registry),
    exporters: await reader.section('exporters', registry),
    connectors: await reader.section('connectors', registry),
    extensions: await reader.section('extensions', registry),
    pipelines: reader.pipelines(service.pipelines),
    service,
    declared: reader.declared,
    warnings: [...reader.warnings, ...inertTelemetry(service.telemetry)],
  };
  return { settings, problems: reader.problems };
}

/** The component sections are decoded by the components, from the tree as it is. */
function withoutComponents(tree: ConfigMap): ConfigMap {
  const entries = Object.entries(tree).map(([key, value]): [string, ConfigValue] => {
    const isSection = sections.some((section) => section === key);
    return [key, isSection && (isMap(value) || value === null) ? {} : value];
  });
  return Object.fromEntries(entries);
}

/** What can be used of a service section with a fault: references are checked all the same. */
function soundParts({ service }: ConfigMap): ServiceSection {
  const parts = isMap(service) ? service : {};
  return {
    ...ConfigDocument.parse({}).service,
    extensions: decode(ExtensionList, parts['extensions'] ?? []).value ?? [],
    pipelines: decode(PipelineMap, parts['pipelines']).value ?? {},
  };
}

class SettingsReader {
  readonly problems: ConfigProblem[];
  readonly warnings: string[] = [];
  readonly declared: Record<Section, Set<string>> = {
    receivers: new Set(),
    processors: new Set(),
    exporters: new Set(),
    connectors: new Set(),
    extensions: new Set(),
  };
  readonly #tree: ConfigMap;

  constructor(tree: ConfigMap, problems: ConfigProblem[]) {
    this.#tree = tree;
    this.problems = problems;
  }

  async section<S extends Section>(
    section: S,
    registry: Registry,
  ): Promise<ReadonlyMap<string, Configured<Definitions[S]>>> {
    const found = new Map<string, Configured<Definitions[S]>>();
    const raw = this.#tree[section];
    for (const [written, value] of isMap(raw) ? Object.entries(raw) : []) {
      const id = this.#id(section, written);
      if (id === undefined) continue;
      this.declared[section].add(id.id);
      if (found.has(id.id)) {
        this.#problem([section], `"${id.id}" is there twice`);
        continue;
      }
      const definition = await this.#definition(section, id, registry[section]);
      if (!definition) continue;
      const decoded = decode(definition.config, value, [section, id.id]);
      this.problems.push(...decoded.problems);
      const mark = `${definition.type} ${fingerprint(definition.config, value)}`;
      found.set(id.id, { id: id.id, definition, config: decoded.value, fingerprint: mark });
    }
    return found;
  }

  pipelines(written: Readonly<Record<string, PipelineSection>>): PipelineSettings[] {
    const pipelines: PipelineSettings[] = [];
    for (const [key, { receivers, processors, exporters }] of Object.entries(written)) {
      const id = this.#id('service::pipelines', key);
      if (id === undefined) continue;
      const signal = signalOf(id.type);
      if (!signal) {
        const message = `"${id.type}" is not a signal${suggestion(id.type, signalNames)}`;
        this.#problem(['service', 'pipelines', id.id], `${message} (${signalNames.join(', ')})`);
        continue;
      }
      pipelines.push({ id: id.id, signal, ...trimIds({ receivers, processors, exporters }) });
    }
    return pipelines;
  }

  #id(place: string, written: string) {
    const id = parseComponentId(written);
    if (typeof id !== 'string') return id;
    this.problems.push({ path: place.split('::'), message: id, below: [written] });
    return undefined;
  }

  async #definition<S extends Section>(
    section: S,
    { id, type }: { readonly id: string; readonly type: string },
    lines: Registry[S],
  ): Promise<Definitions[S] | undefined> {
    const found = await findComponent<Definitions[S]>(lines, type);
    if (!found) {
      const valid = Object.keys(lines).toSorted();
      const message =
        section === 'exporters' && type === 'logging'
          ? `the exporter "logging" was removed, use "debug"`
          : `unknown type "${type}"${suggestion(type, valid)} (valid types: ${valid.join(', ')})`;
      this.#problem([section, id], message);
      return undefined;
    }
    if (found.isAlias) {
      const name = found.definition.type;
      this.warnings.push(`${section}::${id}: the type "${type}" is now called "${name}"`);
    }
    return found.definition;
  }

  #problem(path: readonly string[], message: string): void {
    this.problems.push({ path, message });
  }
}

const signalNames: readonly Signal[] = ['traces', 'metrics', 'logs'];

function signalOf(type: string): Signal | undefined {
  return signalNames.find((signal) => signal === type);
}

function trimIds(pipeline: PipelineSection): PipelineSection {
  const trim = (ids: readonly string[]) => ids.map(trimId);
  return {
    receivers: trim(pipeline.receivers),
    processors: trim(pipeline.processors),
    exporters: trim(pipeline.exporters),
  };
}

function trimId(written: string): string {
  const id = parseComponentId(written);
  return typeof id === 'string' ? written : id.id;
}
