/** The process that runs DuckDB, so that a query can neither block nor kill ingest. It is told what
 *  to run, answers with columns, and knows nothing of spans. It watches its own resident memory,
 *  since DuckDB's limit does not bound it, and goes when its parent does. */

import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { messageOf } from '../../../lib/errors.ts';
import { boundValues } from './bound-values.ts';
import type { ChildSettings, FromChild, QueryFault, QueryPlan, ToChild } from './messages.ts';
import { readResult, ResultSizeError } from './result-columns.ts';

const WATCH_PERIOD_MS = 200;
const INTERRUPT_PERIOD_MS = 20;

class Runner {
  readonly #settings: ChildSettings;
  readonly #instance: DuckDBInstance;
  /** undefined while the connection is being made. */
  readonly #running = new Map<number, DuckDBConnection | undefined>();
  readonly #cancelled = new Set<number>();
  readonly #idle: DuckDBConnection[] = [];

  constructor(settings: ChildSettings, instance: DuckDBInstance) {
    this.#settings = settings;
    this.#instance = instance;
  }

  async run(id: number, plan: QueryPlan): Promise<void> {
    this.#running.set(id, undefined);
    let connection: DuckDBConnection | undefined;
    try {
      connection = this.#idle.pop() ?? (await this.#instance.connect());
      this.#running.set(id, connection);
      if (this.#cancelled.has(id)) throw new Error('cancelled');
      const result = await connection.stream(plan.sql, ...boundValues(plan.params));
      send({ kind: 'result', id, result: await readResult(result, this.#settings.resultBytesMax) });
    } catch (error) {
      const fault = this.#cancelled.has(id) ? 'cancelled' : faultOf(error);
      send({ kind: 'error', id, fault, message: messageOf(error) });
    } finally {
      this.#running.delete(id);
      this.#cancelled.delete(id);
      if (connection !== undefined) this.#idle.push(connection);
    }
  }

  cancel(id: number): void {
    if (!this.#running.has(id)) return;
    this.#cancelled.add(id);
    this.#running.get(id)?.interrupt();
    // An interrupt between two steps of a query is forgotten by the next: repeat it until it ends.
    setTimeout(() => this.cancel(id), INTERRUPT_PERIOD_MS);
  }
}

async function serve(
  runner: Promise<Runner> | undefined,
  message: Exclude<ToChild, { kind: 'open' }>,
): Promise<void> {
  const ready = await runner;
  if (message.kind === 'run') await ready?.run(message.id, message.plan);
  else ready?.cancel(message.id);
}

/** By DuckDB's own names of its errors; a message has no code. */
function faultOf(error: unknown): QueryFault {
  if (error instanceof ResultSizeError) return 'result_size';
  const message = messageOf(error);
  if (message.startsWith('Out of Memory Error')) return 'memory';
  if (message.startsWith('Binder Error') || message.startsWith('Parser Error')) return 'plan';
  if (/^(IO Error|Invalid Input Error|Invalid Error|Serialization Error|Corrupt)/i.test(message))
    return 'file';
  return /parquet|zstd|snappy|thrift|TProtocolException/i.test(message) ? 'file' : 'plan';
}

function send(message: FromChild): void {
  process.send?.(message);
}

async function open(settings: ChildSettings): Promise<Runner> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(settings.threads),
    memory_limit: `${Math.round(settings.memoryBytes / 1e6)}MB`,
    temp_directory: settings.tempDirectory,
    // The file cache takes gigabytes; the operating system's own serves as well.
    enable_external_file_cache: 'false',
    preserve_insertion_order: 'false',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  });
  const connection = await instance.connect();
  const list = settings.directories.map(quoteText).join(', ');
  await connection.run(`SET allowed_directories = [${list}]`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET GLOBAL parquet_metadata_cache = true');
  await connection.run('SET lock_configuration = true');
  connection.closeSync();
  return new Runner(settings, instance);
}

function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function watchMemory(rssBytesMax: number): void {
  const watch = setInterval(() => {
    const rssBytes = process.memoryUsage.rss();
    if (rssBytes > rssBytesMax / 2) {
      send({ kind: rssBytes > rssBytesMax ? 'wild' : 'large', rssBytes });
    }
  }, WATCH_PERIOD_MS);
  watch.unref();
}

function main(): void {
  let runner: Promise<Runner> | undefined;
  process.on('message', (message: ToChild) => {
    if (message.kind === 'open') {
      watchMemory(message.settings.rssBytesMax);
      runner = open(message.settings);
      runner.then(
        () => send({ kind: 'ready' }),
        (error: unknown) => {
          process.stderr.write(`${messageOf(error)}\n`, () => process.exit(1));
        },
      );
      return;
    }
    void serve(runner, message);
  });
  // Without a parent nobody waits for an answer, and running queries would hold up an exit.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  // A terminal's Ctrl-C reaches the whole group; the parent decides when to end.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
}

main();
