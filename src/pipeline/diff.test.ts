/** Two configurations, and what has to happen for the one to become the other. */
import { expect, test } from 'vitest';
import { diff } from './diff.ts';
import { Diary, settingsOf } from './diary.fixture.ts';
import { emptyGraph, graphOf } from './graph.ts';

interface Sections {
  readonly processors?: string;
  readonly exporters?: string;
  readonly receivers?: string;
  readonly extensions?: string;
  readonly active?: string;
  readonly pipelines: string;
}

async function graph(sections: Sections) {
  const text = `
receivers: {${sections.receivers ?? 'r: '}}
processors: {${sections.processors ?? 'p: , p/2: , p/3: '}}
exporters: {${sections.exporters ?? 'e: , e/2: , disk: '}}
connectors: {c: }
extensions: {${sections.extensions ?? 'lender: , borrower: '}}
service:
  telemetry: {metrics: {level: none}}
  extensions: [${sections.active ?? ''}]
  pipelines: {${sections.pipelines}}
`;
  return graphOf(await settingsOf(text, new Diary()));
}

async function changesBetween(before: Sections, after: Sections) {
  const { kept, stopFirst, start, stopLater } = diff(await graph(before), await graph(after));
  const keys = (nodes: readonly { readonly key: string }[]) => nodes.map(({ key }) => key);
  return {
    kept: [...kept].toSorted(),
    stopFirst: keys(stopFirst),
    start: keys(start),
    stopLater: keys(stopLater),
  };
}

const one = 'traces: {receivers: [r], processors: [p, p/2], exporters: [e]}';
const marked = 'p: {mark: new}, p/2: , p/3: ';

const cases: {
  readonly title: string;
  readonly before: Sections;
  readonly after: Sections;
  readonly kept: readonly string[];
  readonly stopFirst?: readonly string[];
  readonly start?: readonly string[];
  readonly stopLater?: readonly string[];
}[] = [
  {
    title: 'nothing changes',
    before: { pipelines: one },
    after: { pipelines: one },
    kept: ['exporter:traces:e', 'processor:traces:p', 'processor:traces:p/2', 'receiver:r'],
  },
  {
    title: 'a processor changes: its neighbours, the receiver and the exporter go on',
    before: { pipelines: one },
    after: { pipelines: one, processors: marked },
    kept: ['exporter:traces:e', 'processor:traces:p/2', 'receiver:r'],
    start: ['processor:traces:p'],
    stopLater: ['processor:traces:p'],
  },
  {
    title: 'a processor comes between',
    before: { pipelines: one },
    after: { pipelines: one.replace('p/2]', 'p/3, p/2]') },
    kept: ['exporter:traces:e', 'processor:traces:p', 'processor:traces:p/2', 'receiver:r'],
    start: ['processor:traces:p/3'],
  },
  {
    title: 'a processor goes',
    before: { pipelines: one },
    after: { pipelines: one.replace('p, p/2', 'p/2') },
    kept: ['exporter:traces:e', 'processor:traces:p/2', 'receiver:r'],
    stopLater: ['processor:traces:p'],
  },
  {
    title: 'processors change places: a batch between them must miss neither',
    before: { pipelines: one },
    after: { pipelines: one.replace('p, p/2', 'p/2, p') },
    kept: ['exporter:traces:e', 'receiver:r'],
    start: ['processor:traces:p', 'processor:traces:p/2'],
    stopLater: ['processor:traces:p', 'processor:traces:p/2'],
  },
  {
    title: 'a receiver that listens stops before its successor starts',
    before: { pipelines: one },
    after: { pipelines: one, receivers: 'r: {mark: new}' },
    kept: ['exporter:traces:e', 'processor:traces:p', 'processor:traces:p/2'],
    stopFirst: ['receiver:r'],
    start: ['receiver:r'],
  },
  {
    title: 'a receiver under another name on perhaps the same port',
    before: { pipelines: one },
    after: { pipelines: one.replace('[r]', '[r/2]'), receivers: 'r/2: ' },
    kept: ['exporter:traces:e', 'processor:traces:p', 'processor:traces:p/2'],
    stopFirst: ['receiver:r'],
    start: ['receiver:r/2'],
  },
  {
    title: 'a receiver that is to serve one more signal',
    before: { pipelines: one },
    after: { pipelines: `${one}, logs: {receivers: [r], exporters: [e]}` },
    kept: ['exporter:traces:e', 'processor:traces:p', 'processor:traces:p/2'],
    stopFirst: ['receiver:r'],
    start: ['exporter:logs:e', 'receiver:r'],
  },
  {
    title: 'a pipeline more of the same signal leaves the first alone',
    before: { pipelines: one },
    after: { pipelines: `${one}, traces/2: {receivers: [r], processors: [p], exporters: [e/2]}` },
    kept: ['exporter:traces:e', 'processor:traces:p', 'processor:traces:p/2', 'receiver:r'],
    start: ['exporter:traces:e/2', 'processor:traces/2:p'],
  },
  {
    title: 'a pipeline less is emptied from its head',
    before: { pipelines: `${one}, traces/2: {receivers: [r], processors: [p], exporters: [e/2]}` },
    after: { pipelines: one },
    kept: ['exporter:traces:e', 'processor:traces:p', 'processor:traces:p/2', 'receiver:r'],
    stopLater: ['processor:traces/2:p', 'exporter:traces:e/2'],
  },
  {
    title: 'an exporter that can run beside its successor is emptied while that one serves',
    before: { pipelines: one },
    after: { pipelines: one, exporters: 'e: {mark: new}' },
    kept: ['processor:traces:p', 'processor:traces:p/2', 'receiver:r'],
    start: ['exporter:traces:e'],
    stopLater: ['exporter:traces:e'],
  },
  {
    title:
      'an exclusive exporter stops first; what leaves before one that stays is held by that one',
    before: { pipelines: one.replace('[e]', '[disk]') },
    after: {
      pipelines: one.replace('[e]', '[disk]'),
      exporters: 'disk: {mark: new}',
      processors: marked,
    },
    kept: ['processor:traces:p/2', 'receiver:r'],
    stopFirst: ['exporter:traces:disk'],
    start: ['exporter:traces:disk', 'processor:traces:p'],
    stopLater: ['processor:traces:p'],
  },
  {
    title: 'an extension changes: who borrows from it starts anew after it',
    before: { pipelines: one, active: 'borrower, lender' },
    after: {
      pipelines: one,
      active: 'borrower, lender',
      extensions: 'lender: {mark: new}, borrower: ',
    },
    kept: ['exporter:traces:e', 'processor:traces:p', 'processor:traces:p/2', 'receiver:r'],
    stopFirst: ['extension:borrower', 'extension:lender'],
    start: ['extension:lender', 'extension:borrower'],
  },
  {
    title: 'an extension changes that lends nothing to the others',
    before: { pipelines: one, active: 'borrower, lender' },
    after: {
      pipelines: one,
      active: 'borrower, lender',
      extensions: 'lender: , borrower: {mark: new}',
    },
    kept: [
      'exporter:traces:e',
      'extension:lender',
      'processor:traces:p',
      'processor:traces:p/2',
      'receiver:r',
    ],
    stopFirst: ['extension:borrower'],
    start: ['extension:borrower'],
  },
  {
    title: 'a connector gets another target',
    before: {
      pipelines:
        'traces: {receivers: [r], exporters: [c]}, traces/2: {receivers: [c], exporters: [e]}',
    },
    after: {
      pipelines:
        'traces: {receivers: [r], exporters: [c]}, traces/2: {receivers: [c], exporters: [e/2]}',
    },
    kept: ['connector:traces:traces:c', 'receiver:r'],
    start: ['exporter:traces:e/2'],
    stopLater: ['exporter:traces:e'],
  },
];

test.for(cases)('$title', async ({ title: _title, before, after, kept, ...expected }) => {
  expect(await changesBetween(before, after)).toEqual({
    stopFirst: [],
    start: [],
    stopLater: [],
    ...expected,
    kept,
  });
});

test('a batch leaving through a leaving processor reaches an exclusive exporter that leaves', async () => {
  const pipelines = 'traces: {receivers: [r], processors: [p], exporters: [disk]}';
  const after = { pipelines, exporters: 'disk: {mark: new}', processors: 'p: {mark: new}' };
  const { stopFirst, stopLater } = await changesBetween({ pipelines }, after);
  expect(stopFirst).toEqual(['processor:traces:p', 'exporter:traces:disk']);
  expect(stopLater).toEqual([]);
});

test('everything starts from nothing, sinks first', async () => {
  const { start } = diff(emptyGraph, await graph({ pipelines: one }));
  expect(start.map(({ key }) => key)).toEqual([
    'exporter:traces:e',
    'processor:traces:p/2',
    'processor:traces:p',
    'receiver:r',
  ]);
});

test('how a section is written does not matter, what it says does', async () => {
  const written = await graph({ pipelines: one, processors: 'p: {}, p/2: {mark: }, p/3: ' });
  const { kept, start } = diff(await graph({ pipelines: one }), written);
  expect(kept.size).toBe(4);
  expect(start).toEqual([]);
});
