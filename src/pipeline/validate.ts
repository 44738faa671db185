/** Everything that can be wrong between components: references into nothing, connectors with one
 *  end, cycles, things needed that nobody lends. Each check is one function over the settings. */
import { signals, type Signal } from '../component/consumer.ts';
import type { Need } from '../component/ack.ts';
import type { ConnectorDefinition, ExporterDefinition } from '../component/define.ts';
import { keyValueStorage } from '../component/sending.ts';
import type { OpenGates } from '../config/gates.ts';
import { suggestion } from '../config/nearest.ts';
import type { ConfigProblem } from '../config/problem.ts';
import { findCycle } from './cycle.ts';
import type { Configured, PipelineSettings, Reading, Settings } from './settings.ts';

/** `decoding` are the problems found so far; needs are only asked about when there are none, because
 *  who lends what is known from sound sections alone. */
export function validateSettings(
  { settings, problems: decoding }: Reading,
  gates: OpenGates = new Set(),
): ConfigProblem[] {
  const mayBeEmpty = settings.pipelines.length === 0 && gates.has('service.AllowNoPipelines');
  const presence = mayBeEmpty ? [] : missingParts(settings, decoding.length === 0);
  if (presence.length > 0) return presence;
  return [
    ...ambiguousIds(settings),
    ...settings.pipelines.flatMap((pipeline) => pipelineProblems(settings, pipeline)),
    ...extensionProblems(settings),
    ...connectorProblems(settings),
    ...(decoding.length === 0 ? unmetNeeds(settings) : []),
    ...findCycle(settings),
  ];
}

/** Pipelines may be missing because what holds them could not be decoded: no second problem then. */
function missingParts({ declared, pipelines }: Settings, isSound: boolean): ConfigProblem[] {
  const { receivers, exporters, connectors } = declared;
  const problem = (message: string): ConfigProblem => ({ path: [], message });
  if (isSound && receivers.size + exporters.size + connectors.size + pipelines.length === 0) {
    return [problem('the configuration is empty: it needs receivers, exporters and service')];
  }
  const problems: ConfigProblem[] = [];
  if (receivers.size + connectors.size === 0) problems.push(problem('no receiver is configured'));
  if (exporters.size + connectors.size === 0) problems.push(problem('no exporter is configured'));
  if (pipelines.length === 0 && isSound) {
    problems.push({ path: ['service', 'pipelines'], message: 'at least one pipeline is needed' });
  }
  return problems;
}

function ambiguousIds({ declared }: Settings): ConfigProblem[] {
  const { connectors, receivers, exporters } = declared;
  return [...connectors].flatMap((id) => {
    const others = [
      ...(receivers.has(id) ? ['a receiver'] : []),
      ...(exporters.has(id) ? ['an exporter'] : []),
    ];
    return others.map((other) => ({
      path: ['connectors', id],
      message: `the id "${id}" is ambiguous: ${other} has it too`,
    }));
  });
}

function pipelineProblems(settings: Settings, pipeline: PipelineSettings): ConfigProblem[] {
  const path = ['service', 'pipelines', pipeline.id];
  const problems: ConfigProblem[] = [];
  if (pipeline.receivers.length === 0) problems.push({ path, message: 'has no receiver' });
  if (pipeline.exporters.length === 0) problems.push({ path, message: 'has no exporter' });
  const twice = repeated(pipeline.processors, 'processors');
  problems.push(...twice.map((message) => ({ path, message })));
  for (const role of ['receivers', 'processors', 'exporters'] as const) {
    for (const id of new Set(pipeline[role])) {
      const message = referenceProblem(settings, { role, id, signal: pipeline.signal });
      const below = [String(pipeline[role].indexOf(id))];
      if (message !== undefined) problems.push({ path: [...path, role], message, below });
    }
  }
  return problems;
}

function repeated(ids: readonly string[], role: string): string[] {
  const twice = new Set(ids.filter((id, index) => ids.indexOf(id) !== index));
  return [...twice].map((id) => `references ${singular(role)} "${id}" multiple times`);
}

interface Reference {
  readonly role: 'receivers' | 'processors' | 'exporters';
  readonly id: string;
  readonly signal: Signal;
}

function referenceProblem(settings: Settings, { role, id, signal }: Reference): string | undefined {
  const component = settings[role].get(id);
  if (component) {
    const supported: readonly Signal[] = component.definition.signals;
    return supported.includes(signal) ? undefined : unsupported(role, id, signal);
  }
  const { declared } = settings;
  if (declared[role].has(id)) return undefined;
  if (role !== 'processors' && declared.connectors.has(id)) return undefined;
  const known = [
    ...settings[role].keys(),
    ...(role === 'processors' ? [] : settings.connectors.keys()),
  ];
  return `references ${singular(role)} "${id}" which is not configured${suggestion(id, known)}`;
}

function unsupported(role: string, id: string, signal: Signal): string {
  return `${singular(role)} "${id}" does not support ${signal}`;
}

function singular(role: string): string {
  return role.slice(0, -1);
}

function extensionProblems({ extensions, declared, service }: Settings): ConfigProblem[] {
  const path = ['service', 'extensions'];
  return [
    ...repeated(service.extensions, 'extensions').map((message) => ({ path, message })),
    ...[...new Set(service.extensions)]
      .filter((id) => !declared.extensions.has(id))
      .map((id) => ({
        path,
        below: [String(service.extensions.indexOf(id))],
        message: `references extension "${id}" which is not configured${suggestion(id, extensions.keys())}`,
      })),
  ];
}

/** A connector needs, for every signal it takes, a pipeline of a signal it can give. */
function connectorProblems(settings: Settings): ConfigProblem[] {
  return [...settings.connectors.values()].flatMap((connector) => {
    const from = pipelinesWith(settings, connector.id, 'exporters');
    const to = pipelinesWith(settings, connector.id, 'receivers');
    return [
      ...unmatched(connector, { ends: from, others: to, side: 'exporter' }),
      ...unmatched(connector, { ends: to, others: from, side: 'receiver' }),
    ];
  });
}

interface ConnectorSide {
  readonly ends: readonly PipelineSettings[];
  readonly others: readonly PipelineSettings[];
  readonly side: 'exporter' | 'receiver';
}

function unmatched(
  { id, definition }: Configured<ConnectorDefinition>,
  { ends, others, side }: ConnectorSide,
): ConfigProblem[] {
  const opposite = side === 'exporter' ? 'receiver' : 'exporter';
  const fits = (end: Signal, other: Signal) =>
    definition.routes.some(({ from, to }) =>
      side === 'exporter' ? from === end && to === other : to === end && from === other,
    );
  return signals.flatMap((signal) => {
    const lonely = ends.filter((end) => end.signal === signal);
    if (lonely.length === 0 || others.some((other) => fits(signal, other.signal))) return [];
    const names = lonely.map((pipeline) => pipeline.id).join(', ');
    const message = `is the ${side} of the pipelines [${names}] but the ${opposite} of no pipeline that fits`;
    return [{ path: ['connectors', id], message }];
  });
}

function pipelinesWith({ pipelines }: Settings, id: string, role: 'receivers' | 'exporters') {
  return pipelines.filter((pipeline) => pipeline[role].includes(id));
}

function unmetNeeds(settings: Settings): ConfigProblem[] {
  const offers = activeExtensions(settings).flatMap(({ id, definition, config }) =>
    config === undefined ? [] : (definition.offers?.(config, id) ?? []),
  );
  return usedComponents(settings).flatMap(({ section, component: { id, definition, config } }) => {
    const needs = config === undefined ? [] : needsOf(definition, config);
    return needs.flatMap(({ what, name, path }) => {
      const names = offers.filter((offer) => offer.what === what).map((offer) => offer.name);
      if (names.includes(name)) return [];
      const message = `references ${what} "${name}" which no extension in service::extensions offers`;
      return [{ path: [section, id, ...path], message: message + suggestion(name, names) }];
    });
  });
}

/** What a component says it needs, and the storage of its queue. */
function needsOf(definition: Needing | ExporterDefinition, config: unknown): readonly Need[] {
  const sending = 'sending' in definition ? definition.sending?.(config) : undefined;
  const storage = sending?.sending_queue?.storage;
  const path = [sending?.queueKey ?? 'sending_queue', 'storage'];
  const ofQueue =
    storage === undefined ? [] : [{ what: keyValueStorage.name, name: storage, path }];
  return [...(definition.needs?.(config) ?? []), ...ofQueue];
}

type Needing = Pick<ExporterDefinition, 'needs'>;

function activeExtensions({ extensions, service }: Settings) {
  return service.extensions.flatMap((id) => extensions.get(id) ?? []);
}

/** Components that will be created; the others' needs do not matter. */
function usedComponents(settings: Settings) {
  const used = (role: 'receivers' | 'processors' | 'exporters') =>
    new Set(settings.pipelines.flatMap((pipeline) => pipeline[role]));
  const inPipelines = (['receivers', 'processors', 'exporters'] as const).flatMap((section) =>
    [...used(section)].flatMap((id) => {
      const component = settings[section].get(id);
      return component ? [{ section, component }] : [];
    }),
  );
  const extensions = activeExtensions(settings).map((component) => ({
    section: 'extensions' as const,
    component,
  }));
  return [...inPipelines, ...extensions];
}
