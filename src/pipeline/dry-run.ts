/** Creates everything that pipelines would run and starts nothing: what only shows when a component
 *  is put together is found without opening a port or a file. */
import { StatusBoard } from '../component/status.ts';
import { OwnMetrics } from '../component/telemetry.ts';
import type { ConfigProblem } from '../config/problem.ts';
import { systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { silentLogger } from '../lib/logger.ts';
import { graphOf } from './graph.ts';
import { Instance } from './instance.ts';
import { ProcessHost } from './process-host.ts';
import type { Settings } from './settings.ts';

/** @param settings with no problems in them so far */
export function creationProblems(settings: Settings): ConfigProblem[] {
  const host = new ProcessHost(new StatusBoard(() => 0), () => {});
  const around = { metrics: new OwnMetrics(), logger: silentLogger, clock: systemClock, host };
  const problems = new Map<string, ConfigProblem>();
  for (const node of graphOf(settings).values()) {
    if (node.kind === 'telemetry' || node.kind === 'extension') continue;
    try {
      // It is dropped again: whatever it opens, it opens when it is started.
      void new Instance(node, around);
    } catch (error) {
      const path = [`${node.kind}s`, node.id];
      // One component may be several instances, with one fault.
      problems.set(path.join('::'), { path, message: messageOf(error) });
    }
  }
  return [...problems.values()];
}
