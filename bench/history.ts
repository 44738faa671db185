/** Every class of question over stores of a million spans, of ten, and of as many as one asks for,
 *  side by side: what an answer costs should grow with the answer, not with the history. Each class
 *  is asked by the reader that the APIs ask; CPU is that of this process and of DuckDB's. The
 *  baseline is DuckDB alone reading the same Parquet files with a plain query. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { systemClock } from '../src/lib/clock.ts';
import { messageOf } from '../src/lib/errors.ts';
import { silentLogger } from '../src/lib/logger.ts';
import type { StorageBackend } from '../src/storage/contract.ts';
import { openEmbedded } from '../src/storage/embedded/backend.ts';
import { EmbeddedConfig } from '../src/storage/embedded/config.ts';
import { type Filled, filledStore } from './filled.ts';
import { cpuMsOf, treeOf } from './processes.ts';
import { type Question, questionsOf } from './questions.ts';
import { type Figure, type Options, percentile } from './report.ts';
import { Server } from './server.ts';

const TIMES = 40;
/** Slow classes are asked less often. */
const CLASS_MS_MAX = 8000;
const SEGMENTS = join('data', 'tenants', 't-default', 'seg');

export async function run({ isQuick, spans, only = '' }: Options): Promise<Figure[]> {
  const sizes = spans ?? (isQuick ? [1_000_000] : [1_000_000, 10_000_000]);
  const figures: Figure[] = [];
  for (const size of sizes) figures.push(...(await measure(filledStore(size), only)));
  return figures;
}

async function measure(store: Filled, only: string): Promise<Figure[]> {
  const figures = only === '' ? await started(store) : [];
  const config = EmbeddedConfig.parse({ directory: join(store.directory, 'data') });
  const backend = await openEmbedded(config, { clock: systemClock, logger: silentLogger });
  const plain = await PlainScan.open(join(store.directory, SEGMENTS));
  try {
    for (const question of await questionsOf(backend.reader, store)) {
      if (!question.name.includes(only)) continue;
      figures.push(...(await askOrTell(question, { backend, plain, store })));
    }
  } finally {
    plain.close();
    await backend.close();
  }
  return figures;
}

interface Asked {
  readonly backend: StorageBackend;
  readonly plain: PlainScan;
  readonly store: Filled;
}

/** A class that fails is told and left out; the others are asked all the same. */
async function askOrTell(question: Question, asked: Asked): Promise<Figure[]> {
  try {
    return await ask(question, asked);
  } catch (error) {
    console.error(`${sizeOf(asked.store.spans)}: ${question.name}: ${messageOf(error)}`);
    return [];
  }
}

async function ask(question: Question, { backend, plain, store }: Asked): Promise<Figure[]> {
  const name = (what: string) => `${sizeOf(store.spans)}: ${question.name}, ${what}`;
  const taken: number[] = [];
  const pids = treeOf(process.pid);
  // The first asking loads what the later ones find warm.
  let startMs = performance.now();
  const found = await question.ask(backend.reader, 0);
  const firstMs = performance.now() - startMs;
  if (found < question.wanted) throw new Error(`${name('')} found ${found} only`);
  const cpuMs = cpuMsOf(pids);
  const deadline = performance.now() + CLASS_MS_MAX;
  for (let n = 1; n <= TIMES && performance.now() < deadline; n++) {
    startMs = performance.now();
    await question.ask(backend.reader, n);
    taken.push(performance.now() - startMs);
  }
  const cpuEach = (cpuMsOf(pids) - cpuMs) / taken.length;
  const scan = question.sql === undefined ? undefined : await plain.takes(question.sql);
  const compared = (what: string, value: number, base: number | undefined): Figure => ({
    claim: 'history',
    name: name(what),
    value,
    unit: 'ms',
    ...(base === undefined ? {} : { baseline: 'a plain scan', ratio: value / base }),
  });
  return [
    compared('first', firstMs, undefined),
    compared('p50', percentile(taken, 0.5), scan?.wallMs),
    compared('p99', percentile(taken, 0.99), scan?.wallMs),
    compared('CPU', cpuEach, scan?.cpuMs),
  ];
}

/** From the command to serving, and the memory of all processes when nothing is asked. */
async function started(store: Filled): Promise<Figure[]> {
  const startMs = performance.now();
  const server = await Server.start(store.directory);
  const readyMs = performance.now() - startMs;
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const figure = (name: string, value: number, unit: string): Figure => ({
    claim: 'history',
    name: `${sizeOf(store.spans)}: ${name}`,
    value,
    unit,
  });
  const figures = [
    figure('start to serving', readyMs, 'ms'),
    figure('memory idle, all processes', server.rss / 2 ** 20, 'MiB'),
    figure('CPU of the first 5 s', server.cpuMs, 'ms'),
  ];
  await server.stop();
  return figures;
}

/** DuckDB alone, over the same files, with the threads the store gives its own. */
class PlainScan {
  readonly #instance: DuckDBInstance;
  readonly #source: string;

  private constructor(instance: DuckDBInstance, source: string) {
    this.#instance = instance;
    this.#source = source;
  }

  static async open(segments: string): Promise<PlainScan> {
    const paths = readdirSync(segments)
      .filter((name) => name.endsWith('.parquet'))
      .map((name) => `'${join(segments, name)}'`);
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    await connection.run('SET GLOBAL parquet_metadata_cache = true');
    connection.closeSync();
    return new PlainScan(instance, `read_parquet([${paths.join()}], union_by_name = true)`);
  }

  async takes(sql: string): Promise<{ wallMs: number; cpuMs: number }> {
    const connection = await this.#instance.connect();
    try {
      const query = sql.replaceAll('$spans', this.#source);
      await connection.runAndReadAll(query);
      const cpu = process.cpuUsage();
      const startMs = performance.now();
      await connection.runAndReadAll(query);
      const { user, system } = process.cpuUsage(cpu);
      return { wallMs: performance.now() - startMs, cpuMs: (user + system) / 1000 };
    } finally {
      connection.closeSync();
    }
  }

  close(): void {
    this.#instance.closeSync();
  }
}

function sizeOf(spans: number): string {
  return `${spans / 1e6}M`;
}
