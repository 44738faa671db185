/** Processors on columnar batches, against the same edit on an object for each span. Every round
 *  works on batches whose strings nobody has read yet, as they come from a receiver. Figures of
 *  metrics and logs are beside protobufjs reading the same bytes. */

import { hash } from 'node:crypto';
import { makeTemplates } from '../src/cli/loadgen/templates.ts';
import type { Batch } from '../src/component/consumer.ts';
import type { ProcessorDefinition } from '../src/component/define.ts';
import { testContext } from '../src/component/testbed.ts';
import { decode } from '../src/config/decode.ts';
import { StringTable } from '../src/model/batch/string-table.ts';
import { SpanBatch } from '../src/model/batch/span-batch.ts';
import { spansOf, type Span } from '../src/model/trace/span.ts';
import { component as attributes } from '../src/processors/attributes/processor.ts';
import { component as filter } from '../src/processors/filter/processor.ts';
import { component as sampler } from '../src/processors/probabilistic-sampler/processor.ts';
import { component as resource } from '../src/processors/resource/processor.ts';
import { decodeTraces } from '../src/wire/otlp-proto/decode.ts';
import { cpuNanoPerItem, cpuNanoPerItemAsync } from './cpu-time.ts';
import { messageFigures } from './pipeline/messages.ts';
import { tailSamplingFigures } from './pipeline/tail-sampling.ts';
import type { Figure, Options } from './report.ts';

const never = new AbortController().signal;

/** A span as an object, its attributes a map. */
interface PlainSpan extends Omit<Span, 'attributes'> {
  attributes: Map<string, unknown>;
  service: string;
}

interface Case {
  readonly name: string;
  readonly definition: ProcessorDefinition;
  readonly settings: object;
  /** The same on objects. */
  readonly plain: (spans: readonly PlainSpan[]) => unknown;
}

function text(span: PlainSpan, key: string): string {
  const value = span.attributes.get(key);
  return typeof value === 'string' ? value : '';
}

const CASES: readonly Case[] = [
  {
    name: 'attributes: upsert',
    definition: attributes,
    settings: { actions: [{ key: 'environment', value: 'production', action: 'upsert' }] },
    plain: (spans) =>
      spans.map((span) => ({
        ...span,
        attributes: new Map(span.attributes).set('environment', 'production'),
      })),
  },
  {
    name: 'attributes: delete, hash, delete',
    definition: attributes,
    settings: {
      actions: [
        { key: 'app.session.id', action: 'delete' },
        { key: 'app.request.id', action: 'hash' },
        { key: 'app.user.id', action: 'delete' },
      ],
    },
    plain: (spans) =>
      spans.map((span) => {
        const changed = new Map(span.attributes);
        changed.delete('app.session.id');
        const request = changed.get('app.request.id');
        if (typeof request === 'string') {
          changed.set('app.request.id', hash('sha256', request, 'hex'));
        }
        changed.delete('app.user.id');
        return { ...span, attributes: changed };
      }),
  },
  {
    name: 'attributes: upsert where included',
    definition: attributes,
    settings: {
      include: { match_type: 'regexp', span_names: ['^GET '], attributes: [{ key: 'http.route' }] },
      actions: [{ key: 'environment', value: 'production', action: 'upsert' }],
    },
    plain: (spans) =>
      spans.map((span) =>
        span.name.startsWith('GET ') && span.attributes.has('http.route')
          ? { ...span, attributes: new Map(span.attributes).set('environment', 'production') }
          : span,
      ),
  },
  {
    name: 'resource: upsert',
    definition: resource,
    settings: { attributes: [{ key: 'env', value: 'production', action: 'upsert' }] },
    plain: (spans) => spans.map((span) => ({ ...span, resource: { ...span.resource, env: 'x' } })),
  },
  {
    name: 'filter: name',
    definition: filter,
    settings: { trace_conditions: ['span.name == "GET /health" or span.kind == SPAN_KIND_CLIENT'] },
    plain: (spans) => spans.filter((span) => !(span.name === 'GET /health' || span.kind === 3)),
  },
  {
    name: 'filter: attributes',
    definition: filter,
    settings: {
      trace_conditions: [
        'span.attributes["http.response.status_code"] >= 500',
        'IsMatch(span.attributes["http.route"], "^/api/internal")',
      ],
    },
    plain: (spans) =>
      spans.filter(
        (span) =>
          !(
            Number(span.attributes.get('http.response.status_code') ?? 0) >= 500 ||
            text(span, 'http.route').startsWith('/api/internal')
          ),
      ),
  },
  {
    name: 'probabilistic_sampler: hash_seed 10 %',
    definition: sampler,
    settings: { sampling_percentage: 10 },
    plain: (spans) => spans.filter(({ traceId }) => plainHash(traceId) < 1638).map(copied),
  },
  {
    name: 'probabilistic_sampler: proportional 10 %',
    definition: sampler,
    settings: { sampling_percentage: 10, mode: 'proportional' },
    plain: (spans) =>
      spans.filter(({ traceId }) => BigInt(`0x${traceId.slice(18)}`) >= 0xe666n << 40n).map(copied),
  },
  {
    name: 'probabilistic_sampler: hash_seed 100 %',
    definition: sampler,
    settings: { sampling_percentage: 100 },
    plain: (spans) => spans.filter(({ traceId }) => plainHash(traceId) < 16_384).map(copied),
  },
];

function copied(span: PlainSpan): PlainSpan {
  return { ...span, traceState: 'ot=th:e666' };
}

function plainHash(traceId: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < 4; i++) hash = Math.imul(hash, 0x0100_0193);
  for (const byte of Buffer.from(traceId, 'hex')) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return hash & 16_383;
}

export async function run({ isQuick }: Options): Promise<Figure[]> {
  const shape = { seed: 1, isExact: true, batchSize: 512, batches: isQuick ? 10 : 40 } as const;
  const templates = makeTemplates({ ...shape, layout: 'sdk' });
  const batches = templates.map(({ bytes }) => decodeTraces(bytes));
  const plain = batches.map((batch) => spansOf(batch).map(plainSpan));
  const spans = batches.reduce((sum, batch) => sum + batch.count, 0);
  const figures: Figure[] = [];
  for (const one of CASES) figures.push(await measure(one, { batches, plain, spans }));
  const more = isQuick ? [] : await tailSamplingFigures();
  return [...figures, ...(await messageFigures()), ...more];
}

interface Material {
  readonly batches: readonly SpanBatch[];
  readonly plain: readonly PlainSpan[][];
  readonly spans: number;
}

async function measure(
  { name, definition, settings, plain }: Case,
  material: Material,
): Promise<Figure> {
  const { value, problems } = decode(definition.config, settings);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  let count = 0;
  const next = {
    consume: async (batch: Batch) => {
      count += batch.count;
    },
  };
  const processor = definition.create({ ...testContext(value), signal: 'traces', next });
  const ours = await cpuNanoPerItemAsync(material.spans, async () => {
    for (const batch of material.batches) await processor.consume(unread(batch), never);
  });
  const theirs = cpuNanoPerItem(material.spans, () => {
    for (const spans of material.plain) plain(spans);
  });
  if (count === 0) throw new Error(`${name} lets nothing through`);
  return {
    claim: 'pipeline',
    name,
    value: 1e9 / ours,
    unit: 'spans/cpu-s',
    baseline: 'an object a span',
    ratio: theirs / ours,
  };
}

/** The batch as if it had just been decoded: no text read yet. */
function unread(batch: SpanBatch): SpanBatch {
  const { bytes, offsets, isText } = batch.strings;
  const { tenant, client, isExact, spans, events, links, resources, scopes } = batch;
  const strings = new StringTable(bytes, offsets, isText);
  return new SpanBatch({
    tenant,
    client,
    strings,
    isExact,
    spans,
    events,
    links,
    resources,
    scopes,
  });
}

function plainSpan(span: Span): PlainSpan {
  const entries = span.attributes.map(({ key, value }): [string, unknown] => [
    key,
    'value' in value ? value.value : undefined,
  ]);
  return { ...span, service: '', attributes: new Map(entries) };
}
