/** What the process, a pipeline and a component answer when asked how they are. */

import {
  type ComponentStatus,
  type StatusEntry,
  type StatusReport,
  worstOf,
} from '../../component/status.ts';
import type { HealthConfig } from './config.ts';

export interface Health {
  readonly status: ComponentStatus;
  readonly error?: string | undefined;
  readonly sinceMs: number;
  readonly isHealthy: boolean;
  /** By name; none for a component. */
  readonly parts: ReadonlyMap<string, Health>;
}

type Counted = HealthConfig['component_health'];

/** Everything: the extensions, and each pipeline. */
export function healthOf(report: StatusReport, counted: Counted, nowMs: number): Health {
  const parts = new Map<string, Health>();
  const names = [...report.components.keys()].filter((name) => name.startsWith('extension:'));
  parts.set('extensions', ofComponents(report, names, { counted, nowMs }));
  for (const { id, components } of report.pipelines) {
    parts.set(`pipeline:${id}`, ofComponents(report, components, { counted, nowMs }));
  }
  if (!RUNNING.has(report.status)) return { ...report, isHealthy: false, parts };
  return whole(parts, report);
}

/** Of one pipeline, `traces/second`; undefined when there is none. */
export function pipelineHealth(health: Health, pipeline: string): Health | undefined {
  return health.parts.get(`pipeline:${pipeline}`);
}

/** The status of an HTTP answer: 503 while it comes or goes, 500 for what counts as broken. */
export function httpStatus({ status, isHealthy }: Health): number {
  if (!RUNNING.has(status)) return 503;
  return isHealthy ? 200 : 500;
}

const RUNNING: ReadonlySet<ComponentStatus> = new Set([
  'StatusNone',
  'StatusOK',
  'StatusRecoverableError',
  'StatusPermanentError',
  'StatusFatalError',
]);

interface Judging {
  readonly counted: Counted;
  readonly nowMs: number;
}

function ofComponents(report: StatusReport, names: readonly string[], judging: Judging): Health {
  const parts = new Map(
    names.map((name) => {
      const entry = report.components.get(name) ?? unknown(report);
      return [name, ofComponent(entry, judging)] as const;
    }),
  );
  return whole(parts, unknown(report));
}

function unknown({ startedMs }: StatusReport): StatusEntry {
  return { status: 'StatusNone', sinceMs: startedMs };
}

function ofComponent(entry: StatusEntry, judging: Judging): Health {
  return { ...entry, isHealthy: countsAsHealthy(entry, judging), parts: new Map() };
}

function countsAsHealthy({ status, sinceMs }: StatusEntry, { counted, nowMs }: Judging): boolean {
  switch (status) {
    case 'StatusFatalError':
      return false;
    case 'StatusPermanentError':
      return !counted.include_permanent_errors;
    case 'StatusRecoverableError':
      return !counted.include_recoverable_errors || nowMs - sinceMs < counted.recovery_duration;
    default:
      return RUNNING.has(status);
  }
}

/** The worst part colours the whole, an unhealthy one before a worse one that does not count. */
function whole(parts: ReadonlyMap<string, Health>, without: StatusEntry): Health {
  const all = [...parts.values()];
  const sick = all.filter((part) => !part.isHealthy);
  const { status, error, sinceMs } = worstOf(sick.length > 0 ? sick : all) ?? without;
  return { status, error, sinceMs, isHealthy: sick.length === 0, parts };
}
