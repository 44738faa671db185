/** What runs, for the pages and health reports that people look at. */
import type { PipelineOutline } from '../component/status.ts';
import { acknowledgedAt } from './acks.ts';
import type { Settings } from './settings.ts';

export function outlinesOf(settings: Settings): PipelineOutline[] {
  const end = (kind: string, id: string) =>
    settings.connectors.has(id) ? `connector:${id}` : `${kind}:${id}`;
  return settings.pipelines.map((pipeline) => ({
    id: pipeline.id,
    components: [
      ...pipeline.receivers.map((id) => end('receiver', id)),
      ...pipeline.processors.map((id) => `processor:${id}`),
      ...pipeline.exporters.map((id) => end('exporter', id)),
    ],
    acknowledges: acknowledgedAt(settings, pipeline),
  }));
}
