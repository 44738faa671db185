import { expect, test } from 'vitest';
import { AttributeType } from '../attribute.ts';
import { makeSpan } from '../trace/span.fixture.ts';
import { batchOf, serviceOf, spansOf } from '../trace/span.ts';
import { BatchEditor } from './editor.ts';
import { encodeFrame } from './frame.ts';

const batch = batchOf('default', [
  makeSpan({ spanId: '1', attributes: { secret: 'p4ssw0rd', kept: 1 } }),
  makeSpan({ spanId: '2', attributes: {} }),
  makeSpan({ spanId: '3', attributes: { kept: true } }),
]);

test('what a processor deletes is in no frame', () => {
  const editor = new BatchEditor(batch);
  editor.edit('spans', (attributes) => attributes.delete(editor.strings.find('secret')));
  const edited = editor.finish();
  expect(edited.isExact).toBe(false);
  const text = (frame: Uint8Array) => Buffer.from(frame).toString('latin1');
  expect(text(encodeFrame(batch))).toContain('p4ssw0rd');
  expect(text(encodeFrame(edited))).not.toContain('p4ssw0rd');
  expect(text(encodeFrame(edited))).not.toContain('secret');
  expect(spansOf(edited).map(({ attributes }) => attributes.map(({ key }) => key))).toEqual([
    ['kept'],
    [],
    ['kept'],
  ]);
  expect(spansOf(batch)[0]?.attributes).toHaveLength(2);
});

test('columns that were not edited are shared, and no edit gives the batch itself', () => {
  const editor = new BatchEditor(batch);
  editor.edit('spans', () => undefined);
  expect(editor.finish()).toBe(batch);
  const setting = new BatchEditor(batch);
  const key = setting.strings.id('new');
  setting.edit('spans', (attributes) => attributes.set(key, AttributeType.bool, 1, 0));
  const edited = setting.finish();
  expect(edited.spans.columns).toBe(batch.spans.columns);
  expect(edited.resources).toBe(batch.resources);
  expect(spansOf(edited).every(({ attributes }) => attributes.at(-1)?.key === 'new')).toBe(true);
});

test('the service follows its resource attribute; names change by row', () => {
  const editor = new BatchEditor(batch);
  const { strings } = editor;
  const value = strings.id('renamed');
  const key = strings.find('service.name');
  editor.edit('resources', (attributes) => attributes.set(key, AttributeType.string, value, 0));
  editor.setName(1, strings.id('other'));
  const edited = spansOf(editor.finish());
  expect(edited.map(serviceOf)).toEqual(['renamed', 'renamed', 'renamed']);
  expect(edited.map(({ name }) => name)).toEqual(['op', 'other', 'op']);
});

test('random edits equal the same edits of a Map', () => {
  let seed = 9;
  const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
  for (let round = 0; round < 100; round++) {
    const spans = Array.from({ length: 1 + random(5) }, (_, i) =>
      makeSpan({
        spanId: `${i + 1}`,
        attributes: Object.fromEntries(
          Array.from({ length: random(90) }, () => [`k${random(90)}`, random(1000)]),
        ),
      }),
    );
    const editor = new BatchEditor(batchOf('default', spans));
    const models = spans.map(
      ({ attributes }) => new Map(attributes.map(({ key, value }) => [key, value])),
    );
    for (let pass = 0; pass < 3; pass++) {
      const key = `k${random(100)}`;
      const owners = random(6);
      const isDelete = random(2) === 0;
      const id = editor.strings.id(key);
      editor.edit('spans', (attributes, row) => {
        if (row >= owners) return;
        if (isDelete) attributes.delete(id);
        else attributes.set(id, AttributeType.int, pass, 0);
      });
      for (const model of models.slice(0, owners)) {
        if (isDelete) model.delete(key);
        else model.set(key, { type: 'int', value: BigInt(pass) });
      }
    }
    const edited = spansOf(editor.finish());
    const found = edited.map(
      ({ attributes }) => new Map(attributes.map(({ key, value }) => [key, value])),
    );
    expect(found).toEqual(models);
  }
});
