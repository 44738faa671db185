import { describe, expect, test } from 'vitest';
import { batchOf, type Span, spansOf } from '../trace/span.ts';
import { SpanBatchBuilder } from './builder.ts';
import { clientValue, type Client } from './client.ts';
import { BatchEditor } from './editor.ts';
import { decodeFrame, encodeFrame, FrameError } from './frame.ts';
import { compact, concat, gather, keepEvents, rowsBetween } from './gather.ts';
import { RandomSpans } from './random-spans.fixture.ts';
import { type SpanBatch, withClient } from './span-batch.ts';
import { StringInterner } from './string-table.ts';
import { SpanView } from './view.ts';

const SEEDS = Array.from({ length: 60 }, (_, i) => i + 1);

function randomBatch(seed: number): { random: RandomSpans; spans: Span[]; batch: SpanBatch } {
  const random = new RandomSpans(seed);
  const spans = random.spans(20);
  return { random, spans, batch: batchOf('shop', spans) };
}

const holds = (bytes: Uint8Array, text: string) => Buffer.from(bytes).includes(text);

describe('gather', () => {
  test('gives the rows asked for, in that order, also twice', () => {
    for (const seed of SEEDS) {
      const { random, spans, batch } = randomBatch(seed);
      const rows = Uint32Array.from({ length: spans.length }, () => random.below(spans.length));
      expect(spansOf(gather(batch, rows)), `seed ${seed}`).toEqual(
        [...rows].map((row) => spans[row]),
      );
    }
  });

  test('of no rows is empty, and of gathered rows goes on', () => {
    const { spans, batch } = randomBatch(1);
    expect(gather(batch, new Uint32Array(0)).count).toBe(0);
    const turned = gather(batch, Uint32Array.from(spans.keys()).reverse());
    expect(spansOf(gather(turned, Uint32Array.of(0)))).toEqual(spans.slice(-1));
  });
});

describe('concat', () => {
  test('gives all rows of all batches', () => {
    for (const seed of SEEDS) {
      const [one, two] = [randomBatch(seed), randomBatch(seed + 1000)];
      const joined = concat([one.batch, two.batch]);
      expect(spansOf(joined), `seed ${seed}`).toEqual([...one.spans, ...two.spans]);
      expect(joined.isExact).toBe(true);
    }
  });

  test('refuses batches of two tenants', () => {
    const { spans, batch } = randomBatch(1);
    expect(() => concat([batch, batchOf('other', spans)])).toThrow(/tenants/);
  });
});

describe('compact', () => {
  test('leaves no string, resource or scope that no row refers to', () => {
    for (const seed of SEEDS) {
      const { batch } = randomBatch(seed);
      if (batch.count === 0) continue;
      const one = compact(gather(batch, Uint32Array.of(0)));
      expect([one.resources.count, one.scopes.count], `seed ${seed}`).toEqual([1, 1]);
      expect(one.strings.count).toBeLessThanOrEqual(batch.strings.count);
    }
  });
});

test('rows between two places are those rows, also of a part', () => {
  for (const seed of SEEDS) {
    const { batch, spans } = randomBatch(seed);
    const third = Math.floor(spans.length / 3);
    const later = rowsBetween(batch, third, spans.length);
    expect(spansOf(later), `seed ${seed}`).toEqual(spans.slice(third));
    const part = rowsBetween(later, third > 0 ? 1 : 0, third);
    expect(spansOf(part), `seed ${seed}`).toEqual(spansOf(later).slice(third > 0 ? 1 : 0, third));
    expect(spansOf(decodeFrame(encodeFrame(part))), `seed ${seed}`).toEqual(spansOf(part));
  }
});

describe('a frame', () => {
  test('gives back what it was made from', () => {
    for (const seed of SEEDS) {
      const { spans, batch } = randomBatch(seed);
      const back = decodeFrame(encodeFrame(batch));
      expect(spansOf(back), `seed ${seed}`).toEqual(spans);
      expect([back.tenant, back.isExact]).toEqual(['shop', true]);
      expect(encodeFrame(back)).toEqual(encodeFrame(batch));
    }
  });

  test('is read at any place in a larger buffer', () => {
    const { spans, batch } = randomBatch(1);
    const frame = encodeFrame(batch);
    for (let shift = 0; shift < 9; shift++) {
      const around = new Uint8Array(frame.length + 16);
      around.set(frame, shift);
      expect(spansOf(decodeFrame(around.subarray(shift))), `shift ${shift}`).toEqual(spans);
    }
  });

  test('holds nothing of rows that were left behind', () => {
    const { spans } = randomBatch(1);
    const [first, second] = spans;
    if (!first || !second) throw new Error('the seed gives too few spans');
    const named = [
      { ...first, name: 'keep-this-name' },
      { ...second, name: 'drop-this-name' },
    ];
    const frame = encodeFrame(gather(batchOf('shop', named), Uint32Array.of(0)));
    expect([holds(frame, 'keep-this-name'), holds(frame, 'drop-this-name')]).toEqual([true, false]);
  });

  test.each(['spans', 'events', 'links', 'resources', 'scopes'] as const)(
    'holds nothing of a value deleted from %s, which the batch before still does',
    (kind) => {
      const secret = [{ key: 'card', value: { type: 'string' as const, value: '4111-1111-1111' } }];
      const { random } = randomBatch(3);
      const owner = { schemaUrl: '', droppedAttributes: 0, attributes: secret };
      const span: Span = {
        ...random.span({ resource: owner, scope: { ...owner, name: 'lib', version: '' } }),
        attributes: secret,
        events: [{ timeNano: 1n, name: 'e', droppedAttributes: 0, attributes: secret }],
        links: [
          { ...owner, traceId: random.id(16), spanId: random.id(8), traceState: '', flags: 0 },
        ],
      };
      const batch = batchOf('shop', [span]);
      const editor = new BatchEditor(batch);
      for (const other of ['spans', 'events', 'links', 'resources', 'scopes'] as const) {
        editor.edit(other, (attributes) => {
          if (other !== kind)
            attributes.set(editor.strings.id('card'), 1, editor.strings.id('x'), 0);
          else attributes.delete(editor.strings.id('card'));
        });
      }
      expect(holds(encodeFrame(batch), '4111')).toBe(true);
      expect(holds(encodeFrame(editor.finish()), '4111')).toBe(false);
    },
  );

  test('with any bit flipped throws a FrameError', () => {
    const frame = encodeFrame(randomBatch(2).batch);
    const random = new RandomSpans(9);
    for (let times = 0; times < 600; times++) {
      const bad = Uint8Array.from(frame);
      const at = times < 128 ? times % 64 : random.below(frame.length);
      bad[at] = (bad[at] ?? 0) ^ (1 << random.below(8));
      expect(() => decodeFrame(bad), `byte ${at}`).toThrow(FrameError);
    }
  });

  test('cut anywhere throws a FrameError', () => {
    const frame = encodeFrame(randomBatch(2).batch);
    const random = new RandomSpans(10);
    for (let times = 0; times < 300; times++) {
      const length = times < 70 ? times : random.below(frame.length);
      expect(() => decodeFrame(frame.subarray(0, length)), `length ${length}`).toThrow(FrameError);
    }
  });
});

describe('a builder', () => {
  test('is as good as new after a batch of many spans', () => {
    const builder = new SpanBatchBuilder();
    for (const count of [100_000, 3, 70_000, 0, 1]) {
      for (let i = 0; i < count; i++) {
        const row = builder.openSpan();
        builder.spans.columns.kinds[row] = 1 + (i % 5);
        builder.spans.columns.names[row] = builder.strings.internText(`operation ${i % 20_000}`);
        builder.spans.attributes.addBool(builder.strings.internText('k'), i % 2 === 0);
      }
      const batch = builder.seal('shop');
      expect(batch.count).toBe(count);
      for (const row of [0, count - 1].filter((at) => at >= 0 && at < count)) {
        const view = new SpanView(batch, row);
        expect([view.kind, view.name]).toEqual([1 + (row % 5), `operation ${row % 20_000}`]);
        expect([view.flags, view.startNano, view.attributes.length]).toEqual([0, 0n, 1]);
      }
    }
  });

  test('interns each text once, however many there are', () => {
    const interner = new StringInterner();
    for (let round = 0; round < 3; round++) {
      const texts = Array.from({ length: 9000 }, (_, i) => `text number ${i} of round ${round}`);
      const ids = texts.map((text) => interner.internText(text));
      expect(new Set(ids).size).toBe(texts.length);
      expect(texts.map((text) => interner.internText(text))).toEqual(ids);
      const table = interner.seal();
      expect(ids.map((id) => table.text(id))).toEqual(texts);
      interner.reset();
    }
  });
});

describe('an editor', () => {
  test('changes what it is told to and nothing else', () => {
    for (const seed of SEEDS) {
      const { random, spans, batch } = randomBatch(seed);
      const chosen = new Set(spans.map((_, row) => row).filter(() => random.random() < 0.5));
      const editor = new BatchEditor(batch);
      editor.edit('spans', (attributes, row) => {
        if (!chosen.has(row)) return;
        attributes.delete(editor.strings.id('http.method'));
        attributes.set(editor.strings.id('added'), 3, row, 0);
      });
      const wanted = spans.map((span, row) => {
        if (!chosen.has(row)) return span;
        const kept = span.attributes.filter(({ key }) => key !== 'http.method');
        const added = { key: 'added', value: { type: 'int' as const, value: BigInt(row) } };
        return { ...span, attributes: [...kept, added] };
      });
      const edited = editor.finish();
      expect(spansOf(edited), `seed ${seed}`).toEqual(wanted);
      expect(spansOf(decodeFrame(encodeFrame(edited))), `seed ${seed}`).toEqual(wanted);
      expect(spansOf(batch), `seed ${seed}: the old batch`).toEqual(spans);
    }
  });
});

describe('the client that sent a batch', () => {
  const client: Client = {
    address: '10.0.0.7',
    metadata: new Map([['x-tenant', ['a', 'b']]]),
    auth: new Map([['username', 'ann']]),
  };
  const sent = withClient(randomBatch(3).batch, client);

  test('is carried by every way to make a batch of one batch', () => {
    const editor = new BatchEditor(sent);
    editor.setName(0, editor.strings.id('renamed'));
    expect([
      gather(sent, Uint32Array.of(0)).client,
      keepEvents(sent, new Uint8Array(sent.events.count)).client,
      compact(gather(sent, Uint32Array.of(1))).client,
      editor.finish().client,
    ]).toEqual([client, client, client, client]);
    expect(editor.finish()).not.toBe(sent);
  });

  test('stays when merged batches share it and goes when they do not, nor into a frame', () => {
    expect(concat([sent, gather(sent, Uint32Array.of(0))]).client).toBe(client);
    expect(concat([sent, withClient(sent, undefined)]).client).toBeUndefined();
    expect(decodeFrame(encodeFrame(sent)).client).toBeUndefined();
  });

  test.for([
    ['metadata.X-Tenant', 'a;b'],
    ['x-tenant', 'a;b'],
    ['auth.username', 'ann'],
    ['client.address', '10.0.0.7'],
    ['auth.subject', undefined],
    ['metadata.other', undefined],
  ] as const)('says %s is %s', ([name, value]) => {
    expect(clientValue(client, name)).toBe(value);
    expect(clientValue(undefined, name)).toBeUndefined();
  });
});
