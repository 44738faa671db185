/** `spoor store` as an operator meets it: on a server that takes spans all the while, and on a
 *  directory that nobody uses. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import {
  type PlainSpan,
  spans,
  storedSpans,
  texts,
} from '../../src/storage/conformance/plain-spans.ts';
import { Chance, randomSpans } from '../../src/storage/conformance/random-spans.ts';
import { openEmbedded } from '../../src/storage/embedded/backend.ts';
import { EmbeddedConfig } from '../../src/storage/embedded/config.ts';
import { filesWith, formsOf } from '../store/byte-scan.ts';
import { FREE_PORTS, spoor, SpoorProcess } from './spoor-process.ts';

const TIMEOUT = 240_000;
const START = 1_731_000_000_000_000_000n;
const RANGE = { startNano: START, endNano: START + 86_400_000_000_000n };

const directory = mkdtempSync(join(tmpdir(), 'spoor-store-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const running: SpoorProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map(async (process) => process.end()));
});

const open = (at: string, flushSpans = 100) =>
  openEmbedded(
    EmbeddedConfig.parse({
      directory: at,
      flush_spans: flushSpans,
      stitch_row_groups: 3,
      retention: { max_age: '876000h' },
    }),
    { clock: systemClock, logger: silentLogger },
  );

async function fill(at: string, plain: readonly PlainSpan[]): Promise<void> {
  const backend = await open(at);
  for (let i = 0; i < plain.length; i += 40) {
    await backend.writer.write(spans('default', plain.slice(i, i + 40)));
  }
  await backend.close();
}

/** Every span of the store, by trace. */
async function contentOf(at: string): Promise<Map<string, string[]>> {
  const backend = await open(at);
  try {
    const query = { tenant: 'default', range: RANGE, limit: 100_000 };
    const page = await backend.reader.findTraces(query);
    const content = new Map<string, string[]>();
    for await (const batch of backend.reader.getTraces('default', page.traces)) {
      const stored = storedSpans(batch);
      content.set(stored[0]!.traceId, texts(stored));
    }
    return content;
  } finally {
    await backend.close();
  }
}

/** Good, or the test tells what it printed. */
async function store(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await spoor(['store', ...args]);
  expect(code, `${args.join(' ')}\n${stdout}\n${stderr}`).toBe(0);
  return stdout + stderr;
}

const someSpans = (seed: number, traces: number) =>
  randomSpans(new Chance(seed), {
    traces,
    startNano: START,
    spreadNano: 3_600_000_000_000n,
  });

test(
  'what is exported and imported elsewhere is the same, nanoseconds and types, and once',
  async () => {
    const [from, to] = [join(directory, 'from'), join(directory, 'to')];
    await fill(from, someSpans(7, 300));
    const file = join(directory, 'all.jsonl');
    await store('export', file, '--directory', from);
    const content = await contentOf(from);
    expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(content.size);
    await fill(to, []);
    expect(await store('import', file, '--directory', to)).toContain(' 0 were there already');
    expect(await contentOf(to)).toEqual(content);
    expect(await store('import', file, '--directory', to)).toContain('imported 0 spans');
    expect(await contentOf(to)).toEqual(content);
  },
  TIMEOUT,
);

test(
  'Parquet holds the same',
  async () => {
    const [from, to] = [join(directory, 'parquet-from'), join(directory, 'parquet-to')];
    await fill(from, someSpans(23, 400));
    const file = join(directory, 'all.parquet');
    await store('export', file, '--directory', from);
    await fill(to, []);
    await store('import', file, '--directory', to);
    expect(await contentOf(to)).toEqual(await contentOf(from));
    const nobody = ['--service', 'nobody', '--directory', from];
    expect(await store('export', file, ...nobody)).toContain('0 traces');
    expect(await store('import', file, '--directory', to)).toContain('imported 0 spans');
  },
  TIMEOUT,
);

test(
  'an export that was interrupted goes on, an import that met a bad line says where',
  async () => {
    const from = join(directory, 'interrupted');
    const file = join(directory, 'some.jsonl');
    const traces = someSpans(11, 500);
    await fill(from, traces);
    await store('export', file, '--directory', from);
    const whole = readFileSync(file, 'utf8');
    const lines = whole.split('\n');
    // As it is left when the process dies between two pages, with the next page half written.
    const bytes = Buffer.byteLength(lines.slice(0, 200).join('\n')) + 1;
    writeFileSync(`${file}.part`, Buffer.from(whole).subarray(0, bytes + 77));
    rmSync(file);
    const ids = [
      ...new Set(lines.filter(Boolean).map((line) => /"traceId":"(\w+)"/.exec(line)![1]!)),
    ];
    const flags = ids.flatMap((id) => ['--trace-id', id]);
    const selection = JSON.stringify({ traceIds: ids });
    writeFileSync(`${file}.part.json`, JSON.stringify({ selection, ids: 200, bytes, traces: 200 }));
    expect(await store('export', file, '--directory', from, ...flags)).toContain(
      'going on after 200',
    );
    expect(readFileSync(file, 'utf8')).toBe(whole);

    const to = join(directory, 'bad-line');
    await fill(to, []);
    writeFileSync(
      file,
      [...lines.slice(0, 3), '{"resourceSpans": [', ...lines.slice(3, 6)].join('\n'),
    );
    const { code, stderr } = await spoor(['store', 'import', file, '--directory', to]);
    expect(code).toBe(1);
    expect(stderr).toContain('line 4');
    await store('import', file, '--directory', to, '--from-line', '5');
    expect((await contentOf(to)).size).toBe(6);
  },
  TIMEOUT,
);

/** The built-in configuration, on ports that are free. */
function start(data: string): SpoorProcess {
  const small = ['flush_spans=200', 'stitch_row_groups=3'].flatMap((setting) => [
    '--set',
    `extensions.jaeger_storage.backends.main.embedded.${setting}`,
  ]);
  const started = new SpoorProcess([...FREE_PORTS, ...small], { SPOOR_DATA_DIR: data });
  running.push(started);
  return started;
}

const hex = (n: number, bytes: number) =>
  Buffer.from(`${n}`.repeat(40)).subarray(0, bytes).toString('hex');
const traceIdOf = (n: number) => `${hex(n, 12)}${n.toString(16).padStart(8, '0')}`;

function request(n: number): string {
  const start = BigInt(Date.now()) * 1_000_000n;
  const spansOf = Array.from({ length: 20 }, (_, i) => ({
    traceId: traceIdOf(n),
    spanId: `${hex(n, 4)}${(n * 32 + i).toString(16).padStart(8, '0')}`,
    name: `step ${i}`,
    startTimeUnixNano: String(start + BigInt(i)),
    endTimeUnixNano: String(start + 5_000_000n),
    attributes: [{ key: 'n', value: { intValue: String(n) } }],
  }));
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] };
  return JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: spansOf }] }] });
}

test(
  'every command works on a server that takes spans all the while',
  async () => {
    const data = join(directory, 'live');
    const server = start(data);
    const address = await server.address('OTLP/HTTP');
    const api = await server.address('UI and API');
    const acknowledged = new Set<number>();
    const over = new AbortController();
    const writer = (async () => {
      for (let n = 1; !over.signal.aborted; n++) {
        const headers = { 'content-type': 'application/json' };
        const sent = { method: 'POST', headers, body: request(n) };
        const answer = await fetch(`${address}/v1/traces`, sent).catch(() => undefined);
        if (answer?.ok === true) acknowledged.add(n);
      }
    })();
    const at = ['--directory', data];
    await expect.poll(() => acknowledged.size, { timeout: 60_000 }).toBeGreaterThan(60);

    expect(statSync(join(data, 'server.json')).mode & 0o077).toBe(0);
    const refused = await fetch(`${api}/api/spoor/store/delete`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'spoor-store-secret': 'guess' },
      body: '{}',
    });
    expect(refused.status).toBe(403);

    expect(await store('check', ...at)).toContain('all good');
    const stats = JSON.parse((await store('stats', '--json', ...at)).trim());
    expect(stats.tenants[0].columns.map(({ name }: { name: string }) => name)).toContain('span_id');
    expect(stats.tenants[0].services[0].name).toBe('shop');

    const before = [...acknowledged];
    const copy = join(directory, 'copy');
    await store('backup', copy, ...at);
    const file = join(directory, 'live.jsonl');
    await store('export', file, '--attribute', 'n=7', '--from', '1h', ...at);
    const line = readFileSync(file, 'utf8');
    expect(line.match(/"traceId"/g)).toHaveLength(20);
    expect(line).toContain(traceIdOf(7));
    const over1s = { op: 'gt', args: [{ field: { level: 'span', name: 'duration' } }] };
    const args = [...over1s.args, { scalar: { value: '1s' } }];
    const none = JSON.stringify({ ...over1s, args });
    const nothing = join(directory, 'none.jsonl');
    expect(await store('export', nothing, '--filter', none, ...at)).toContain('0 traces');

    // So that the server has it in memory.
    const span7 = `${api}/api/spoor/traces/${traceIdOf(7)}/find?q=step`;
    expect(await (await fetch(span7)).json()).toMatchObject({ spanIds: { length: 20 } });
    const needles = [3, 7, 20].flatMap((n) => formsOf(traceIdOf(n)));
    expect((await filesWith(data, needles)).size).toBeGreaterThan(0);
    const ids = [3, 7, 20].flatMap((n) => ['--trace-id', traceIdOf(n)]);
    expect(await store('delete', '--yes', ...ids, ...at)).toContain('deleted 3 traces, 60 spans');
    expect(await filesWith(data, needles)).toEqual(new Map());
    expect((await fetch(span7)).status).toBe(404);
    const asked = await fetch(`${api}/api/v3/traces/${traceIdOf(7)}`);
    expect(asked.status).toBe(404);
    expect(await store('import', file, ...at)).toContain('imported 20 spans');
    expect((await fetch(`${api}/api/v3/traces/${traceIdOf(7)}`)).status).toBe(200);
    over.abort();
    await writer;
    expect(await store('check', ...at)).toContain('all good');
    expect(await store('check', copy)).toContain('all good');

    // The copy is a store: what had been acknowledged before is there.
    const backend = await open(copy);
    const missing: number[] = [];
    for (const n of before) {
      const batch = await backend.reader.getTrace('default', { traceId: traceIdOf(n) });
      if (batch?.count !== 20) missing.push(n);
    }
    await backend.close();
    expect(missing).toEqual([]);
  },
  TIMEOUT,
);

test(
  'a command says what it wants',
  async () => {
    const complain = async (...args: string[]) => {
      const { code, stderr } = await spoor(['store', ...args]);
      expect(code).toBe(1);
      return stderr;
    };
    const nothing = join(directory, 'nothing');
    expect(await complain('chekc')).toContain('check');
    expect(await complain('delete', '--directory', nothing)).toContain('--all');
    expect(await complain('check', '--directory', nothing)).toContain('is no store');
    expect(await complain('delete', 'abc', '--all')).toContain('"abc" is one argument too many');
    expect(await complain('stats', nothing, 'b')).toContain('"b" is one argument too many');
    expect(await complain('export', '--directory', nothing)).toContain('one file');
    const used = join(directory, 'full');
    await fill(used, someSpans(1, 3));
    expect(await complain('delete', '--all', '--directory', used)).toContain('--yes');
    copyFileSync(join(used, 'format.json'), join(directory, 'stray'));
    expect(await complain('backup', directory, '--directory', used)).toContain('no backup');
    expect(await complain('backup', join(used, 'inside'), '--directory', used)).toContain(
      'lies in',
    );
  },
  TIMEOUT,
);
