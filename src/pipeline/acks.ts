/** Where each pipeline acknowledges, in one line: who runs this should know before the crash what a
 *  crash would lose. */
import type { Ack } from '../component/ack.ts';
import type { SendingSettings } from '../component/sending.ts';
import type { PipelineSettings, Settings } from './settings.ts';

/** `traces: acknowledged when durable on disk (jaeger_storage_exporter, /var/lib/spoor)` */
export function ackLines(settings: Settings): string[] {
  return settings.pipelines.map(
    (pipeline) => `${pipeline.id}: acknowledged ${acknowledgedAt(settings, pipeline)}`,
  );
}

/** `when durable on disk (jaeger_storage_exporter, /var/lib/spoor)` */
export function acknowledgedAt(settings: Settings, pipeline: PipelineSettings): string {
  return [...new Set(placesOf(settings, pipeline))].join(' and ');
}

function placesOf(settings: Settings, pipeline: PipelineSettings): string[] {
  for (const id of pipeline.processors) {
    const processor = settings.processors.get(id);
    const ack = processor?.definition.ack?.(processor.config) ?? { kind: 'forwards' };
    if (ack.kind !== 'forwards') return [worded(settings, `processor ${id}`, ack)];
  }
  return pipeline.exporters.flatMap((id) => sinkPlaces(settings, id, pipeline));
}

function sinkPlaces(settings: Settings, id: string, pipeline: PipelineSettings): string[] {
  const exporter = settings.exporters.get(id);
  if (exporter) {
    const { definition, config } = exporter;
    const ack = queueAck(definition.sending?.(config)) ?? definition.ack(config);
    return [worded(settings, `exporter ${id}`, ack)];
  }
  const connector = settings.connectors.get(id);
  if (!connector) return [];
  const ack = connector.definition.ack?.(connector.config) ?? { kind: 'forwards' };
  if (ack.kind !== 'forwards') return [worded(settings, `connector ${id}`, ack)];
  return settings.pipelines
    .filter((next) => next.receivers.includes(id) && next !== pipeline)
    .flatMap((next) => placesOf(settings, next));
}

function queueAck(sending: SendingSettings | undefined): Ack | undefined {
  const queue = sending?.sending_queue;
  if (queue === undefined || queue.wait_for_result) return undefined;
  if (queue.storage === undefined) return { kind: 'memory', where: 'its sending queue' };
  return { kind: 'durable', where: `its sending queue in ${queue.storage}` };
}

function worded(settings: Settings, who: string, ack: Ack): string {
  switch (ack.kind) {
    case 'durable':
      return `when durable on disk (${who}, ${ack.where})`;
    case 'memory':
      return `in memory (${who}, ${ack.where}): a crash loses what it holds`;
    case 'peer':
      return `when ${ack.where} has accepted (${who})`;
    case 'discarded':
      return `without being kept (${who}: ${ack.where})`;
    case 'lent':
      return worded(settings, who, lentAck(settings, ack));
    default:
      return `when the next component has (${who})`;
  }
}

function lentAck(settings: Settings, wanted: { what: string; name: string }): Ack {
  const offers = settings.service.extensions.flatMap((id) => {
    const extension = settings.extensions.get(id);
    return extension?.definition.offers?.(extension.config, id) ?? [];
  });
  const offer = offers.find(({ what, name }) => what === wanted.what && name === wanted.name);
  return offer?.ack ?? { kind: 'memory', where: `${wanted.what} ${wanted.name}` };
}
