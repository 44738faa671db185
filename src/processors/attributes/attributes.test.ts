import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { RecordingConsumer, testContext } from '../../component/testbed.ts';
import { decode } from '../../config/decode.ts';
import type { AttributeValue } from '../../model/attribute.ts';
import { encodeFrame } from '../../model/batch/frame.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { makeAttributes, makeSpan, type SpanFields } from '../../model/trace/span.fixture.ts';
import { batchOf, serviceOf, spansOf } from '../../model/trace/span.ts';
import { component as resource } from '../resource/processor.ts';
import {
  logRecord,
  logsBatch,
  metric,
  metricsBatch,
  point,
  pointsIn,
  recordsIn,
} from '../../component/messages.fixture.ts';
import { editing } from './editing.fixture.ts';
import { component } from './processor.ts';

const never = new AbortController().signal;

async function run(definition: typeof component, settings: object, ...spans: SpanFields[]) {
  const { value, problems } = decode(definition.config, settings);
  expect(problems).toEqual([]);
  const next = new RecordingConsumer<SpanBatch>();
  const processor = definition.create({ ...testContext(value), signal: 'traces', next });
  await processor.consume(batchOf('default', spans.map(makeSpan)), never);
  return next.batches[0]!;
}

const sha = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const list: AttributeValue = { type: 'array', value: [{ type: 'int', value: 1n }] };
type Attributes = Record<string, AttributeValue | string | number | boolean>;

test.each<[object, Attributes, Attributes]>([
  [{ key: 'a', action: 'insert', value: 'x' }, {}, { a: 'x' }],
  [{ key: 'a', action: 'insert', value: 'x' }, { a: 1 }, { a: 1 }],
  [{ key: 'a', action: 'update', value: 'x' }, {}, {}],
  [{ key: 'a', action: 'update', value: 'x' }, { a: 1 }, { a: 'x' }],
  [
    { key: 'a', action: 'UPSERT', value: 7 },
    { a: 'x', b: 1 },
    { a: 7, b: 1 },
  ],
  [{ key: 'a', action: 'upsert', value: 1.5 }, {}, { a: 1.5 }],
  [{ key: 'a', action: 'upsert', value: [1] }, {}, { a: list }],
  [
    { key: 'a', action: 'upsert', value: { k: 'v' } },
    {},
    { a: { type: 'kvlist', value: makeAttributes({ k: 'v' }) } },
  ],
  [{ key: 'a', action: 'upsert', from_attribute: 'b' }, { b: true }, { b: true, a: true }],
  [{ key: 'a', action: 'upsert', from_attribute: 'b' }, { c: 1 }, { c: 1 }],
  [{ key: 'a', action: 'upsert', from_attribute: 'b', default_value: 'd' }, {}, { a: 'd' }],
  [{ key: 'a', action: 'delete' }, { a: 1, b: 2 }, { b: 2 }],
  [
    { action: 'delete', pattern: '^http\\.' },
    { 'http.a': 1, 'xhttp.b': 2, 'http.c': 3 },
    { 'xhttp.b': 2 },
  ],
  [{ key: 'a', action: 'hash' }, { a: 'secret' }, { a: sha('secret') }],
  [{ key: 'a', action: 'hash' }, { a: true }, { a: sha(Uint8Array.of(1)) }],
  [{ key: 'a', action: 'hash' }, { a: 258 }, { a: sha(Uint8Array.of(2, 1, 0, 0, 0, 0, 0, 0)) }],
  [
    { key: 'a', action: 'hash' },
    { a: 1.5 },
    { a: sha(new Uint8Array(Float64Array.of(1.5).buffer)) },
  ],
  [
    { key: 'a', action: 'hash' },
    { a: list, b: '' },
    { a: '', b: '' },
  ],
  [
    { action: 'hash', pattern: 'user' },
    { 'user.id': 'u', id: 'i' },
    { 'user.id': sha('u'), id: 'i' },
  ],
  [
    { key: 'url', action: 'extract', pattern: '^(?P<scheme>\\w+)://(?P<host>[^/]+)' },
    { url: 'https://shop/x', host: 'old' },
    { url: 'https://shop/x', host: 'shop', scheme: 'https' },
  ],
  [{ key: 'url', action: 'extract', pattern: '(?P<n>\\d+)' }, { url: 'none' }, { url: 'none' }],
  [{ key: 'a', action: 'convert', converted_type: 'int' }, { a: '42' }, { a: 42 }],
  [{ key: 'a', action: 'convert', converted_type: 'int' }, { a: 'x' }, { a: 'x' }],
  [{ key: 'a', action: 'convert', converted_type: 'int' }, { a: 7.9 }, { a: 7 }],
  [{ key: 'a', action: 'convert', converted_type: 'int' }, { a: true }, { a: 1 }],
  [{ key: 'a', action: 'convert', converted_type: 'double' }, { a: '1.25' }, { a: 1.25 }],
  [
    { key: 'a', action: 'convert', converted_type: 'double' },
    { a: 2 },
    { a: { type: 'double', value: 2 } },
  ],
  [
    { key: 'a', action: 'convert', converted_type: 'string' },
    { a: 7, b: false },
    { a: '7', b: false },
  ],
])('%o turns %o into %o', async (action, before, after) => {
  const batch = await run(component, { actions: [action] }, { attributes: before });
  const byKey = (attributes: readonly { key: string }[]) =>
    attributes.toSorted((a, b) => a.key.localeCompare(b.key));
  const wanted = byKey(makeAttributes(after));
  expect(byKey(spansOf(batch)[0]!.attributes)).toEqual(wanted);
  const attributes = makeAttributes(before);
  const edited = editing(component, { actions: [action] });
  const points = pointsIn(await edited(metricsBatch([metric('m', [point(attributes)])])));
  expect(byKey(points[0]!.attributes)).toEqual(wanted);
  const records = recordsIn(await edited(logsBatch([logRecord({ attributes })])));
  expect(byKey(records[0]!.attributes)).toEqual(wanted);
});

test('actions run in order', async () => {
  const actions = [
    { key: 'b', action: 'insert', from_attribute: 'a' },
    { key: 'a', action: 'delete' },
    { key: 'b', action: 'hash' },
  ];
  const batch = await run(component, { actions }, { attributes: { a: 'secret' } });
  expect(spansOf(batch)[0]?.attributes).toEqual(makeAttributes({ b: sha('secret') }));
  expect(Buffer.from(encodeFrame(batch)).toString('latin1')).not.toContain('secret');
});

test.each<[object, number[]]>([
  [{ include: { match_type: 'strict', services: ['web', 'x'] } }, [0, 1]],
  [{ include: { match_type: 'regexp', services: ['^d'] } }, [2]],
  [{ include: { match_type: 'strict', span_names: ['a'] } }, [0]],
  [{ include: { match_type: 'strict', span_kinds: ['SPAN_KIND_SERVER'] } }, [1]],
  [{ include: { match_type: 'strict', attributes: [{ key: 'n' }] } }, [0, 2]],
  [{ include: { match_type: 'strict', attributes: [{ key: 'n', value: 5 }] } }, [2]],
  [{ include: { match_type: 'strict', resources: [{ key: 'service.name', value: 'db' }] } }, [2]],
  [{ include: { match_type: 'strict', libraries: [{ name: 'lib', version: '2' }] } }, [1]],
  [{ exclude: { match_type: 'strict', services: ['web'] } }, [2]],
  [
    {
      include: { match_type: 'strict', services: ['web'] },
      exclude: { match_type: 'regexp', span_names: ['^a'] },
    },
    [1],
  ],
])('%j chooses spans %j', async (choice, chosen) => {
  const actions = [{ key: 'mark', action: 'insert', value: true }];
  const batch = await run(
    component,
    { actions, ...choice },
    { name: 'a', attributes: { n: 1 } },
    {
      name: 'b',
      kind: 2,
      scope: { name: 'lib', version: '2', schemaUrl: '', droppedAttributes: 0, attributes: [] },
    },
    { name: 'c', service: 'db', attributes: { n: 5 } },
  );
  const marked = spansOf(batch).map(({ attributes }) =>
    attributes.some(({ key }) => key === 'mark'),
  );
  expect(marked.flatMap((is, i) => (is ? [i] : []))).toEqual(chosen);
});

test('the resource processor edits resources, and the service with them', async () => {
  const attributes = [
    { key: 'service.name', action: 'upsert', value: 'renamed' },
    { key: 'deployment.environment.name', action: 'insert', value: 'production' },
  ];
  const batch = await run(resource, { attributes }, {});
  expect(spansOf(batch).map(serviceOf)).toEqual(['renamed']);
  expect(spansOf(batch)[0]?.resource.attributes).toHaveLength(2);
});

test.each([
  [{ actions: [] }, 'actions'],
  [{ actions: [{ action: 'insert', value: 1 }] }, 'needs a key'],
  [{ actions: [{ key: 'a', action: 'insert' }] }, 'needs one of'],
  [{ actions: [{ key: 'a', action: 'upsert', value: 1, from_attribute: 'b' }] }, 'needs one of'],
  [{ actions: [{ key: 'a', action: 'extract', pattern: 'x' }] }, 'named groups'],
  [{ actions: [{ key: 'a', action: 'convert' }] }, 'converted_type'],
  [{ actions: [{ key: 'a', action: 'nonsense' }] }, 'action'],
  [{ actions: [{ key: 'a', action: 'insert', value: 1, from_context: 'auth.x' }] }, 'needs one of'],
  [
    { actions: [{ key: 'a', action: 'delete' }], include: { match_type: 'strict' } },
    'at least one',
  ],
])('%j is refused: %s', (settings, part) => {
  const { problems } = decode(component.config, settings);
  expect(JSON.stringify(problems)).toContain(part);
});
