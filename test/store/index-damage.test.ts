/** An index that is missing, torn or has a flipped bit costs no answer, and is made again. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { endShared, withSharedQueries, withSharedReader } from './faults/shared-processes.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { type Logger, silentLogger } from '../../src/lib/logger.ts';
import {
  type PlainSpan,
  spans,
  storedSpans,
  text,
} from '../../src/storage/conformance/plain-spans.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { realFileSystem } from '../../src/storage/embedded/file-system.ts';
import { openEmbedded } from '../../src/storage/embedded/backend.ts';
import { EmbeddedConfig } from '../../src/storage/embedded/config.ts';
import { tenantDirectory } from '../../src/storage/embedded/directory.ts';
import type { IndexHeaderJson } from '../../src/storage/embedded/index-file.ts';
import { openIndex } from '../../src/storage/embedded/index-file.ts';
import { encoderHere } from './faults/encoder-here.ts';

vi.mock(import('../../src/storage/embedded/read/file-reader.ts'), async (original) =>
  withSharedReader(await original()),
);
vi.mock(import('../../src/storage/embedded/query/query-process.ts'), async (original) =>
  withSharedQueries(await original()),
);
afterAll(endShared);

const START = BigInt(Date.now()) * 1_000_000n;
const ALL = { startNano: 0n, endNano: 2n ** 63n };
const FLUSHES = 3;

let root: string;
let folder: string;
let open: StorageBackend | undefined;
let warned: string[];
let flushSpans = 10;
const logger: Logger = {
  ...silentLogger,
  warn: (_, message) => void warned.push(message ?? ''),
  error: (_, message) => void warned.push(message ?? ''),
};

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'spoor-index-damage-'));
  folder = tenantDirectory(root, 'default').segments;
  warned = [];
  flushSpans = 10;
  await openStore();
  for (let flush = 0; flush < FLUSHES; flush++) {
    await open!.writer.write(
      spans(
        'default',
        Array.from({ length: 10 }, (_, i) => span(flush, i)),
      ),
    );
    await vi.waitFor(() => expect(indices()).toHaveLength(flush + 1), { timeout: 20_000 });
  }
  await closeStore();
}, 60_000);
afterEach(async () => {
  await closeStore();
  rmSync(root, { recursive: true });
});

async function openStore(stitchRowGroups = 32): Promise<void> {
  const config = EmbeddedConfig.parse({
    directory: root,
    flush_spans: flushSpans,
    stitch_row_groups: stitchRowGroups,
  });
  const startWorker = encoderHere(realFileSystem);
  open = await openEmbedded(config, { logger, clock: systemClock, startWorker });
}

async function closeStore(): Promise<void> {
  await open?.close();
  open = undefined;
}

const indices = () => readdirSync(folder).filter((name) => name.endsWith('.idx'));
const traceId = (n: number) => (n + 1).toString(16).padStart(32, '0');

/** Each flush has a span of each of ten traces. */
const span = (flush: number, n: number): PlainSpan => ({
  traceId: traceId(n),
  spanId: (flush * 10 + n + 1).toString(16).padStart(16, '0'),
  ...(flush === 0 ? {} : { parentSpanId: (n + 1).toString(16).padStart(16, '0') }),
  startNano: START + BigInt(flush * 10 + n),
  endNano: START + BigInt((flush * 10 + n) * 2 + 5),
  name: `operation ${n % 3}`,
  service: 'shop',
  attributes: [['user', text(`user ${n}`)]],
  events: [{ timeNano: START, name: 'event', attributes: [['kind', text('odd')]] }],
});

async function expectEverything(): Promise<void> {
  for (let n = 0; n < 10; n++) {
    const sent = Array.from({ length: FLUSHES }, (_, flush) => span(flush, n));
    const found = await open!.reader.getTrace('default', { traceId: traceId(n) });
    expect(storedSpans(found)).toEqual(storedSpans(spans('default', sent)));
  }
  const page = await open!.reader.findTraces({ tenant: 'default', range: ALL, limit: 100 });
  expect(page.warnings).toEqual([]);
  expect(page.traces).toHaveLength(10);
  for (const trace of page.traces) {
    expect(trace).toMatchObject({ spanCount: FLUSHES, orphanCount: 0, rootService: 'shop' });
  }
}

/** What all of an index says; undefined while something in it is damaged. */
function content(path: string) {
  try {
    const index = openIndex(path);
    const positions = Array.from({ length: index.traceCount }, (_, position) => position);
    return {
      header: index.header,
      traces: positions.map((position) => index.summaryAt(position)),
      hashes: Array.from(index.hashes(), String).sort(),
      red: index.red(),
      values: index.values(),
    };
  } catch {
    return undefined;
  }
}

const flipped = (bytes: Uint8Array, at: number) => {
  const copy = bytes.slice();
  copy[at]! ^= 0x10;
  return copy;
};

function sectionIn(bytes: Uint8Array, name: keyof IndexHeaderJson['sections']) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true);
  const json = new TextDecoder().decode(bytes.subarray(16, 16 + length));
  const header: IndexHeaderJson = JSON.parse(json);
  return header.sections[name]!;
}

/** Its middle. */
function sectionOf(bytes: Uint8Array, name: keyof IndexHeaderJson['sections']): number {
  const section = sectionIn(bytes, name);
  return section.at + (section.bytes >> 1);
}

const DAMAGES: [string, (bytes: Uint8Array) => Uint8Array | undefined][] = [
  ['missing', () => undefined],
  ['empty', () => new Uint8Array(0)],
  ['torn', (bytes) => bytes.slice(0, bytes.length >> 1)],
  ['flipped in its header', (bytes) => flipped(bytes, 40)],
  ['flipped in its directory', (bytes) => flipped(bytes, sectionOf(bytes, 'directory'))],
  // From then on no id would lie in the block.
  [
    'flipped in an id of its directory',
    (bytes) => flipped(bytes, sectionIn(bytes, 'directory').at + 3),
  ],
  ['flipped in its ids', (bytes) => flipped(bytes, sectionOf(bytes, 'ids'))],
  ['flipped in its summaries', (bytes) => flipped(bytes, sectionOf(bytes, 'summaries'))],
  ['flipped in its hashes', (bytes) => flipped(bytes, sectionOf(bytes, 'hashes'))],
];

function damage(change: (bytes: Uint8Array) => Uint8Array | undefined): string {
  const path = join(folder, indices()[1]!);
  const bytes = change(readFileSync(path));
  if (bytes === undefined) rmSync(path);
  else writeFileSync(path, bytes);
  return path;
}

test.each(DAMAGES)('an index that is %s is made again', { timeout: 60_000 }, async (_, change) => {
  const good = content(join(folder, indices()[1]!));
  expect(good).toBeDefined();
  const path = damage(change);
  expect(content(path)).toBeUndefined();
  await openStore();
  await expectEverything();
  await vi.waitFor(() => expect(content(path)).toEqual(good), { timeout: 20_000 });
  await expectEverything();
  expect(warned.filter((message) => message.includes('made again'))).toHaveLength(1);
  expect(open!.health()).toMatchObject({ ok: true, counts: { damaged: 1, repaired: 1 } });
});

test('an index that is damaged while it is in use is made again', { timeout: 60_000 }, async () => {
  await openStore();
  const good = content(join(folder, indices()[1]!));
  const path = damage((bytes) => flipped(bytes, sectionOf(bytes, 'ids')));
  await expectEverything();
  await vi.waitFor(() => expect(content(path)).toEqual(good), { timeout: 20_000 });
  await expectEverything();
});

test('flushes are stitched although an index is damaged', { timeout: 60_000 }, async () => {
  damage((bytes) => flipped(bytes, sectionOf(bytes, 'summaries')));
  await openStore(FLUSHES);
  const segments = () => readdirSync(folder).filter((name) => name === `1-${FLUSHES}.parquet`);
  await vi.waitFor(() => expect(segments()).toHaveLength(1), { timeout: 20_000 });
  await expectEverything();
});

test('a file whose rows are damaged too is told of once', { timeout: 60_000 }, async () => {
  const path = damage(() => undefined);
  const parquet = path.replace('.idx', '.parquet');
  const bytes = readFileSync(parquet);
  bytes[100]! ^= 1;
  writeFileSync(parquet, bytes);
  await openStore();
  await vi.waitFor(() => expect(open!.health().problems.join()).toContain('damaged'), {
    timeout: 20_000,
  });
  for (let time = 0; time < 2; time++) {
    const found = await open!.reader.getTrace('default', { traceId: traceId(0) });
    expect(found?.count).toBeGreaterThanOrEqual(FLUSHES - 1);
  }
  expect(warned.filter((message) => message.includes('stays as it is'))).toHaveLength(1);
});
