/** Which label values each span of one batch has, as numbers: string ids and words of values, so
 *  that spans with equal labels are found without reading a string. */
import { AttributeType, type KeyValue } from '../../model/attribute.ts';
import type { AttributeTable, SpanBatch } from '../../model/batch/span-batch.ts';
import { readValue } from '../../model/batch/view.ts';
import type { Dimension } from './config.ts';

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
const STATUSES = ['UNSET', 'OK', 'ERROR'];

/** Resource, name, kind, status, scope. */
const HEAD = 5;
const WORDS = 3;

export interface LabelOptions {
  readonly dimensions: readonly Dimension[];
  /** Names of the scopes that are labels. */
  readonly scopes: readonly string[];
  /** Each event of a span counts, instead of the span. */
  readonly countsEvents: boolean;
}

export class BatchLabels {
  readonly #batch: SpanBatch;
  readonly #dimensions: readonly Dimension[];
  /** By string id: which dimension it names, plus one. */
  readonly #dimensionOf: Uint16Array;
  /** Of each resource: the words of every dimension. */
  readonly #fromResource: Uint32Array;
  /** By scope: itself plus one where it is shown. */
  readonly #shownScopes: Uint32Array;
  readonly width: number;

  constructor(batch: SpanBatch, { dimensions: wanted, scopes, countsEvents }: LabelOptions) {
    this.#batch = batch;
    this.#shownScopes = shownScopes(batch, scopes);
    this.#dimensions = wanted.some(({ name }) => isPattern(name))
      ? spelledOut(batch, wanted, countsEvents)
      : wanted;
    this.#dimensionOf = new Uint16Array(batch.strings.count);
    for (const [i, { name }] of this.#dimensions.entries()) {
      const id = batch.strings.find(name);
      if (id >= 0) this.#dimensionOf[id] = i + 1;
    }
    const words = this.#dimensions.length * WORDS;
    this.width = HEAD + words;
    this.#fromResource = new Uint32Array(batch.resources.count * words);
    for (let resource = 0; resource < batch.resources.count; resource++) {
      this.#read(batch.resources.attributes, resource, {
        out: this.#fromResource,
        from: resource * words,
      });
    }
  }

  /** What tells the span of this row from others, or one of its events from others. */
  fill(row: number, tuple: Uint32Array, event?: number): void {
    const { columns, attributes } = this.#batch.spans;
    const resource = columns.resources[row] ?? 0;
    tuple[0] = resource;
    tuple[1] = columns.names[row] ?? 0;
    tuple[2] = columns.kinds[row] ?? 0;
    tuple[3] = columns.statusCodes[row] ?? 0;
    tuple[4] = this.#shownScopes[columns.scopes[row] ?? 0] ?? 0;
    const words = this.width - HEAD;
    if (words === 0) return;
    for (let i = 0; i < words; i++) tuple[HEAD + i] = this.#fromResource[resource * words + i] ?? 0;
    if (event !== undefined) {
      this.#read(this.#batch.events.attributes, event, { out: tuple, from: HEAD });
    }
    this.#read(attributes, row, { out: tuple, from: HEAD });
  }

  #read(
    table: AttributeTable,
    owner: number,
    { out, from }: { out: Uint32Array; from: number },
  ): void {
    const end = table.starts[owner + 1] ?? 0;
    for (let at = table.starts[owner] ?? 0; at < end; at++) {
      const dimension = this.#dimensionOf[table.keys[at] ?? 0] ?? 0;
      if (dimension === 0) continue;
      const to = from + (dimension - 1) * WORDS;
      out[to] = table.types[at] ?? 0;
      out[to + 1] = table.values[at * 2] ?? 0;
      out[to + 2] = table.values[at * 2 + 1] ?? 0;
    }
  }

  /** The labels that a tuple stands for. */
  labels(tuple: Uint32Array, service: string): KeyValue[] {
    const labels = [
      text('service.name', service),
      text('span.name', this.#batch.strings.text(tuple[1] ?? 0)),
      text('span.kind', `SPAN_KIND_${KINDS[tuple[2] ?? 0] ?? 'UNSPECIFIED'}`),
      text('status.code', `STATUS_CODE_${STATUSES[tuple[3] ?? 0] ?? 'UNSET'}`),
    ];
    labels.push(...this.#scopeLabels((tuple[4] ?? 0) - 1));
    for (const [i, { name, default: fallback }] of this.#dimensions.entries()) {
      const at = HEAD + i * WORDS;
      const type = tuple[at] ?? 0;
      if (type !== AttributeType.empty) {
        labels.push({ key: name, value: this.#value(tuple.subarray(at, at + WORDS)) });
      } else if (fallback !== undefined) labels.push(text(name, fallback));
    }
    return labels;
  }

  #scopeLabels(scope: number): KeyValue[] {
    if (scope < 0) return [];
    const { strings, scopes } = this.#batch;
    const version = strings.text(scopes.columns.versions[scope] ?? 0);
    const name = strings.text(scopes.columns.names[scope] ?? 0);
    const labels = [text('span.instrumentation.scope.name', name)];
    return version === ''
      ? labels
      : [...labels, text('span.instrumentation.scope.version', version)];
  }

  #value([type = 0, low = 0, high = 0]: Uint32Array): KeyValue['value'] {
    const table = {
      starts: Uint32Array.of(0, 1),
      keys: Uint32Array.of(0),
      types: Uint8Array.of(type),
      values: Uint32Array.of(low, high),
    };
    return readValue(this.#batch, table, 0);
  }
}

function text(key: string, value: string): KeyValue {
  return { key, value: { type: 'string', value } };
}

function shownScopes({ scopes, strings }: SpanBatch, wanted: readonly string[]): Uint32Array {
  const shown = new Uint32Array(scopes.count);
  if (wanted.length === 0) return shown;
  for (let scope = 0; scope < scopes.count; scope++) {
    const name = strings.text(scopes.columns.names[scope] ?? 0);
    if (name !== '' && wanted.includes(name)) shown[scope] = scope + 1;
  }
  return shown;
}

function isPattern(name: string): boolean {
  return name.includes('*');
}

/** Patterns replaced by the attribute keys of the batch that they match. */
function spelledOut(
  batch: SpanBatch,
  wanted: readonly Dimension[],
  hasEvents: boolean,
): Dimension[] {
  const seen = new Uint8Array(batch.strings.count);
  const { spans, resources, events } = batch;
  for (const { attributes } of [spans, resources, ...(hasEvents ? [events] : [])]) {
    for (const key of attributes.keys) seen[key] = 1;
  }
  const keys = [...seen.keys()]
    .filter((id) => seen[id] === 1)
    .map((id) => batch.strings.text(id))
    .sort();
  const plain = wanted.filter(({ name }) => !isPattern(name));
  const known = new Set(plain.map(({ name }) => name));
  const matched: Dimension[] = [];
  for (const { name, default: fallback } of wanted.filter((one) => isPattern(one.name))) {
    const pattern = new RegExp(`^${name.split('*').map(escaped).join('.*')}$`, 's');
    for (const key of keys) {
      if (known.has(key) || !pattern.test(key)) continue;
      known.add(key);
      matched.push({ name: key, default: fallback });
    }
  }
  return [...plain, ...matched];
}

function escaped(pattern: string): string {
  return pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
