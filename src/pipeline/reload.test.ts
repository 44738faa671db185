/** One configuration exchanged for another while data flows: what goes on, what waits, what is
 *  emptied, and the way back when something does not start. */
import { expect, test } from 'vitest';
import { spanCount } from '../component/batch.fixture.ts';
import { Diary, runtimeOf, settingsOf } from './diary.fixture.ts';
import { creationProblems } from './dry-run.ts';

const never = new AbortController().signal;

function config({ p = '', e = '', disk = '', r = '', sink = 'e' } = {}): string {
  return `
receivers: {r: {${r}}}
processors: {p: {${p}}, p/2: }
exporters: {e: {${e}}, disk: {${disk}}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [r], processors: [p, p/2], exporters: [${sink}]}}
`;
}

async function started(text: string) {
  const diary = new Diary();
  const runtime = await runtimeOf(text, diary);
  await runtime.start(never);
  diary.lines.length = 0;
  const receiver = diary.nexts.get('r')?.traces;
  return {
    diary,
    runtime,
    send: async (count: number) => receiver?.consume(spanCount(count), never),
    reload: async (next: string) => runtime.reload(await settingsOf(next, diary), never),
  };
}

const ran = (diary: Diary) => diary.lines.filter((line) => /^[-+]/.test(line));

/** Lets everything happen that only waits for promises. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('a changed processor is exchanged under a receiver that runs on', async () => {
  const { diary, runtime, send, reload } = await started(config());
  await reload(config({ p: 'mark: new' }));
  expect(ran(diary)).toEqual(['+p', '-p']);
  await send(3);
  expect(diary.lines).toContain('e got 3');
  await runtime.stop(never);
  expect(ran(diary).slice(2)).toEqual(['-r', '-p', '-p/2', '-e']);
});

test('the same settings change nothing', async () => {
  const { diary, runtime, reload } = await started(config());
  await reload(config());
  expect(diary.lines).toEqual([]);
  await runtime.stop(never);
});

test('a call inside a leaving part is finished before the part stops', async () => {
  const { diary, runtime, send, reload } = await started(config());
  const gate = Promise.withResolvers<void>();
  diary.consume.set('e', () => gate.promise);
  const sent = send(3);
  const done = reload(config({ p: 'mark: new' }));
  await settled();
  expect(ran(diary)).toEqual(['+p']);
  gate.resolve();
  await Promise.all([sent, done]);
  expect(diary.lines.slice(-2)).toEqual(['e got 3', '-p']);
  await runtime.stop(never);
});

test('senders to an exclusive part wait while it is exchanged', async () => {
  const { diary, runtime, send, reload } = await started(config({ sink: 'disk' }));
  const starting = Promise.withResolvers<void>();
  diary.starting.set('disk', starting.promise);
  const done = reload(config({ sink: 'disk', disk: 'mark: new' }));
  await settled();
  expect(ran(diary)).toEqual(['-disk']);
  const sent = send(5);
  await settled();
  expect(diary.lines).not.toContain('disk got 5');
  starting.resolve();
  await Promise.all([sent, done]);
  expect(diary.lines.slice(-2)).toEqual(['+disk', 'disk got 5']);
  await runtime.stop(never);
});

test('a receiver that leaves empties itself through parts that stay into one that leaves', async () => {
  const { diary, runtime, send, reload } = await started(config({ sink: 'disk' }));
  diary.stopping.set('r', () => send(2));
  await reload(config({ sink: 'disk', r: 'mark: new', disk: 'mark: new' }));
  expect(diary.lines.filter((line) => !line.startsWith('create'))).toEqual([
    'disk got 2',
    '-r',
    '-disk',
    '+disk',
    '+r',
  ]);
  await runtime.stop(never);
});

test('when a part does not start, everything is as it was', async () => {
  const { diary, runtime, send, reload } = await started(config({ sink: 'disk' }));
  diary.broken.set('r', new Error('port taken'));
  const failing = reload(config({ sink: 'e', r: 'mark: new', p: 'mark: new' }));
  await expect(failing).rejects.toMatchObject({
    code: 'start_failed',
    message: 'cannot start receiver r: port taken',
  });
  // The receiver is broken, so it does not come back either; the rest does.
  expect(ran(diary)).toEqual(['-r', '-disk', '+e', '+p', '-r', '-p', '-e', '+disk', '-r']);
  expect(runtime.status().components.get('receiver:r')).toMatchObject({
    status: 'StatusPermanentError',
    error: 'cannot start receiver r: port taken',
  });
  await send(4);
  expect(diary.lines).toContain('disk got 4');
  diary.broken.clear();
  await reload(config({ sink: 'disk' }));
  expect(ran(diary).at(-1)).toBe('+r');
  await runtime.stop(never);
});

test('a part that cannot even be created changes nothing', async () => {
  const { diary, runtime, send, reload } = await started(config());
  diary.uncreatable.add('p');
  await expect(reload(config({ p: 'mark: new', r: 'mark: new' }))).rejects.toMatchObject({
    message: 'cannot start processor p: no such thing',
  });
  expect(ran(diary)).toEqual([]);
  await send(1);
  expect(diary.lines).toContain('e got 1');
  await runtime.stop(never);
});

test('without starting anything it is told what cannot be created', async () => {
  const diary = new Diary();
  const settings = await settingsOf(config(), diary);
  expect(creationProblems(settings)).toEqual([]);
  diary.uncreatable.add('p').add('r');
  expect(creationProblems(settings)).toEqual([
    { path: ['processors', 'p'], message: 'no such thing' },
    { path: ['receivers', 'r'], message: 'no such thing' },
  ]);
  expect(ran(diary)).toEqual([]);
});

test('an end asked for during an exchange comes after it', async () => {
  const { diary, runtime, reload } = await started(config());
  const done = reload(config({ p: 'mark: new' }));
  await settled();
  await Promise.all([runtime.stop(never), done]);
  expect(ran(diary)).toEqual(['+p', '-p', '-r', '-p', '-p/2', '-e']);
});

test('a part that left is gone from the health report and the gauges', async () => {
  const diary = new Diary();
  const runtime = await runtimeOf(config(), diary);
  await runtime.start(never);
  const gauge = { name: 'queue', help: 'A queue.', labels: ['exporter'] };
  runtime.metrics.gauge(gauge).set({ exporter: 'e' }, 7);
  expect([...runtime.status().components.keys()]).toContain('exporter:e');
  await runtime.reload(await settingsOf(config({ sink: 'disk' }), diary), never);
  expect([...runtime.status().components.keys()]).not.toContain('exporter:e');
  expect((await runtime.metrics.gauge(gauge).get()).values).toEqual([]);
  await runtime.stop(never);
});
