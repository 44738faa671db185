/** Pipelines feed each other through connectors; a ring of them would send data round for ever. */
import type { ConfigProblem } from '../config/problem.ts';
import type { PipelineSettings, Settings } from './settings.ts';

/** One problem that prints the first ring found, or none. */
export function findCycle({ pipelines, connectors }: Settings): ConfigProblem[] {
  const done = new Set<PipelineSettings>();

  const visit = (pipeline: PipelineSettings, way: readonly Step[]): readonly Step[] | undefined => {
    const start = way.findIndex((step) => step.pipeline === pipeline);
    if (start >= 0) return way.slice(start);
    if (done.has(pipeline)) return undefined;
    for (const connector of pipeline.exporters.filter((id) => connectors.has(id))) {
      for (const next of pipelines.filter((other) => other.receivers.includes(connector))) {
        const ring = visit(next, [...way, { pipeline, connector }]);
        if (ring) return ring;
      }
    }
    done.add(pipeline);
    return undefined;
  };

  for (const pipeline of pipelines) {
    const ring = visit(pipeline, []);
    if (ring) return [{ path: ['service', 'pipelines'], message: ringMessage(ring) }];
  }
  return [];
}

interface Step {
  readonly pipeline: PipelineSettings;
  /** The connector by which the pipeline feeds the next one. */
  readonly connector: string;
}

function ringMessage(ring: readonly Step[]): string {
  const parts = ring.flatMap(({ pipeline, connector }) => [
    `pipeline "${pipeline.id}"`,
    ...pipeline.processors.map((id) => `processor "${id}"`),
    `connector "${connector}"`,
  ]);
  return `cycle detected: ${[...parts, parts[0]].join(' -> ')}`;
}
