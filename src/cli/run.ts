/** Runs a configuration until it is told to stop, and reads it again when it is told to. */
import { availableParallelism } from 'node:os';
import type { TelemetrySection } from '../config/document.ts';
import type { Sources } from '../config/load.ts';
import { systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { createLogger, type Logger } from '../lib/logger.ts';
import { LoggerSwitch } from '../lib/logger-switch.ts';
import { Runtime } from '../pipeline/runtime.ts';
import { parseArguments } from './arguments.ts';
import { banner } from './banner.ts';
import { readConfiguration, type Configuration, type FilesRead } from './configuration.ts';
import { logOutput } from './log-output.ts';
import { ProcessSignals } from './process-signals.ts';
import { Reloader } from './reloading.ts';
import { packageVersion } from './version.ts';

/** What is not drained by then is dropped: an orchestrator would kill the process anyway. */
const drainMaxMs = 25_000;

const flags = { watch: { type: 'boolean', default: false } } as const;

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, flags);
  const files: FilesRead = new Map();
  const configuration = await readConfiguration(parsed.sources, files);
  const log = new OwnLog(configuration.settings.service.telemetry);
  for (const warning of configuration.warnings) log.logger.warn({}, warning);
  const signals = new ProcessSignals(log.logger);
  try {
    const watched = parsed.isOn('watch') ? files : undefined;
    return await serve(configuration, { log, signals, sources: parsed.sources, watched });
  } finally {
    signals.forget();
  }
}

interface Serving {
  readonly log: OwnLog;
  readonly signals: ProcessSignals;
  readonly sources: Sources;
  /** Files whose change reloads the configuration; undefined to watch none. */
  readonly watched: FilesRead | undefined;
}

async function serve({ settings }: Configuration, serving: Serving): Promise<number> {
  const { signals, log } = serving;
  const { logger } = log;
  const version = packageVersion();
  logger.info({ version, node: process.versions.node, cpus: availableParallelism() }, 'starting');
  let fatal: unknown;
  const onFatal = (error: unknown) => {
    fatal = error;
    signals.end();
  };
  const runtime = new Runtime({ settings, logger, clock: systemClock, version, onFatal });
  await runtime.start(signals.ending).catch((error: unknown) => {
    // Whoever pressed Ctrl-C during the start wants to see no error about it.
    if (!signals.ending.aborted) throw error;
  });
  const reloader = reloaderFor(runtime, settings, serving);
  if (!signals.ending.aborted) {
    if (serving.watched) await reloader.watchFiles(serving.watched);
    process.stdout.write(banner({ version, settings, runtime }));
    logger.info({}, 'everything is ready');
    signals.onReload(() => reloader.ask('SIGHUP'));
    await signals.asked;
  }
  reloader.close();
  await stopped(runtime, logger);
  if (fatal !== undefined) logger.error({ error: messageOf(fatal) }, 'a component failed');
  // Nothing of ours is open any more; do not wait for what a library may have left.
  setTimeout(() => process.exit(), 500).unref();
  return fatal === undefined ? 0 : 1;
}

function reloaderFor(
  runtime: Runtime,
  settings: Configuration['settings'],
  { log, sources }: Serving,
): Reloader {
  const onSettings = ({ service }: Configuration['settings']) => log.become(service.telemetry);
  return new Reloader({ sources, runtime, logger: log.logger, settings, drainMaxMs, onSettings });
}

async function stopped(runtime: Runtime, logger: Logger): Promise<void> {
  logger.info({}, 'stopping');
  const deadline = AbortSignal.timeout(drainMaxMs);
  await runtime.stop(deadline);
  if (deadline.aborted) logger.warn({ seconds: drainMaxMs / 1000 }, 'draining took too long');
  logger.info({}, 'stopped');
}

/** The log of this process, under settings that may change. */
class OwnLog {
  readonly logger: Logger;
  readonly #place: { current: Logger };
  #output: ReturnType<typeof logOutput>;
  #written: string;

  constructor(telemetry: TelemetrySection) {
    this.#output = logOutput(telemetry.logs.output_paths);
    this.#written = JSON.stringify(telemetry.logs);
    this.#place = { current: this.#made(telemetry) };
    this.logger = new LoggerSwitch(this.#place);
  }

  become(telemetry: TelemetrySection): void {
    const written = JSON.stringify(telemetry.logs);
    if (written === this.#written) return;
    this.#written = written;
    const old = this.#output;
    this.#output = logOutput(telemetry.logs.output_paths);
    this.#place.current = this.#made(telemetry);
    old.close();
  }

  #made({ logs }: TelemetrySection): Logger {
    const { enabled, tick, ...counts } = logs.sampling;
    return createLogger({
      level: logs.level === 'dpanic' || logs.level === 'panic' ? 'fatal' : logs.level,
      sampling: enabled ? { tickMs: tick, ...counts } : undefined,
      encoding: logs.encoding,
      colour: process.stderr.isTTY && logs.output_paths.every((path) => path === 'stderr'),
      output: this.#output,
      fields: logs.initial_fields,
    });
  }
}
