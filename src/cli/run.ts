/** Runs a configuration until it is told to stop. The first signal drains and stops in order, a
 *  second one stops at once. */
import { availableParallelism } from 'node:os';
import type { TelemetrySection } from '../config/document.ts';
import { systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { createLogger, type Logger } from '../lib/logger.ts';
import { Runtime } from '../pipeline/runtime.ts';
import { parseArguments } from './arguments.ts';
import { banner } from './banner.ts';
import { readConfiguration, type Configuration } from './configuration.ts';
import { logOutput } from './log-output.ts';
import { packageVersion } from './version.ts';

/** What is not drained by then is dropped: an orchestrator would kill the process anyway. */
const drainMaxMs = 25_000;

export async function run(args: readonly string[]): Promise<number> {
  const { sources } = parseArguments(args);
  const configuration = await readConfiguration(sources);
  const logger = loggerFor(configuration.settings.service.telemetry);
  for (const warning of configuration.warnings) logger.warn({}, warning);
  const ending = new Ending(logger);
  try {
    return await serve(configuration, { logger, ending });
  } finally {
    ending.forget();
  }
}

interface Serving {
  readonly logger: Logger;
  readonly ending: Ending;
}

async function serve({ settings }: Configuration, { logger, ending }: Serving): Promise<number> {
  const version = packageVersion();
  logger.info({ version, node: process.versions.node, cpus: availableParallelism() }, 'starting');
  let fatal: unknown;
  const runtime = new Runtime({
    settings,
    logger,
    clock: systemClock,
    version,
    onFatal: (error) => {
      fatal = error;
      ending.end();
    },
  });
  await runtime.start(ending.signal).catch((error: unknown) => {
    // Whoever pressed Ctrl-C during the start wants to see no error about it.
    if (!ending.signal.aborted) throw error;
  });
  if (!ending.signal.aborted) {
    process.stdout.write(banner({ version, settings, runtime }));
    logger.info({}, 'everything is ready');
    await ending.asked;
  }
  logger.info({}, 'stopping');
  const deadline = AbortSignal.timeout(drainMaxMs);
  await runtime.stop(deadline);
  if (deadline.aborted) logger.warn({ seconds: drainMaxMs / 1000 }, 'draining took too long');
  logger.info({}, 'stopped');
  if (fatal !== undefined) logger.error({ error: messageOf(fatal) }, 'a component failed');
  // Nothing of ours is open any more; do not wait for what a library may have left.
  setTimeout(() => process.exit(), 500).unref();
  return fatal === undefined ? 0 : 1;
}

function loggerFor({ logs }: TelemetrySection): Logger {
  return createLogger({
    level: logs.level,
    encoding: logs.encoding,
    colour: logs.encoding === 'console' && process.stderr.isTTY,
    output: logOutput(logs.output_paths),
    fields: logs.initial_fields,
  });
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The wish to stop, from a signal or from inside. */
class Ending {
  readonly asked: Promise<void>;
  readonly #controller = new AbortController();
  readonly #onSignal: () => void;
  #resolve: () => void = () => {};

  constructor(logger: Logger) {
    this.asked = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#onSignal = () => {
      // 130 is what shells report for Ctrl-C.
      if (this.#controller.signal.aborted) process.exit(130);
      logger.info({}, 'draining, once more stops at once');
      this.end();
    };
    for (const signal of signals) process.on(signal, this.#onSignal);
  }

  /** Aborted once stopping has been asked for: a start under way gives up. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    this.#controller.abort(new Error('stopping was asked for'));
    this.#resolve();
  }

  forget(): void {
    for (const signal of signals) process.off(signal, this.#onSignal);
  }
}
