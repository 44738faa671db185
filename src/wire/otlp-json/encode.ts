/** SpanBatch to OTLP/JSON `TracesData`, as the specification and the Collector write it: ids in hex,
 *  enums as integers, 64-bit integers as strings, defaults left out, `resource`, `scope` and
 *  `status` always there. The text is put together straight from the columns: objects for
 *  JSON.stringify would cost as much again as all the rest. */

import { type AttributeValue, AttributeType, type KeyValue } from '../../model/attribute.ts';
import type { AttributeTable, SpanBatch } from '../../model/batch/span-batch.ts';
import { readValue } from '../../model/batch/view.ts';
import { hexAt, isZeroAt } from '../../model/ids.ts';
import { bigNanoFromWords } from '../../model/time.ts';
import { groupRows } from '../group-rows.ts';

/** The JSON text of `TracesData` with all spans of the batches. */
export function encodeTraces(batches: readonly SpanBatch[]): string {
  const parts = batches.map((batch) => new BatchText(batch).resourceSpans());
  return `{"resourceSpans":[${parts.filter((part) => part !== '').join(',')}]}`;
}

class BatchText {
  readonly #batch: SpanBatch;

  constructor(batch: SpanBatch) {
    this.#batch = batch;
  }

  /** Those of all resources, one after another. */
  resourceSpans(): string {
    const { columns, attributes } = this.#batch.resources;
    const texts = groupRows(this.#batch).map(({ resource, scopes }) => {
      const fields =
        this.#attributes(attributes, resource) +
        unlessZero('droppedAttributesCount', columns.droppedAttributes[resource]);
      const spans = scopes.map(({ scope, rows }) => this.#scopeSpans(scope, rows)).join(',');
      const schema = this.#unlessEmpty('schemaUrl', columns.schemaUrls[resource]);
      return `{"resource":{${fields.slice(1)}},"scopeSpans":[${spans}]${schema}}`;
    });
    return texts.join(',');
  }

  #scopeSpans(scope: number, rows: readonly number[]): string {
    const { columns, attributes } = this.#batch.scopes;
    const fields =
      this.#unlessEmpty('name', columns.names[scope]) +
      this.#unlessEmpty('version', columns.versions[scope]) +
      this.#attributes(attributes, scope) +
      unlessZero('droppedAttributesCount', columns.droppedAttributes[scope]);
    const spans = rows.map((row) => this.#span(row)).join(',');
    const schema = this.#unlessEmpty('schemaUrl', columns.schemaUrls[scope]);
    return `{"scope":{${fields.slice(1)}},"spans":[${spans}]${schema}}`;
  }

  #span(row: number): string {
    const { columns, attributes } = this.#batch.spans;
    const parent = isZeroAt(columns.parentSpanIds, row * 8, 8)
      ? ''
      : `,"parentSpanId":"${hexAt(columns.parentSpanIds, row * 8, 8)}"`;
    const status =
      this.#unlessEmpty('message', columns.statusMessages[row]) +
      unlessZero('code', columns.statusCodes[row]);
    return (
      `{"traceId":"${hexAt(columns.traceIds, row * 16, 16)}"` +
      `,"spanId":"${hexAt(columns.spanIds, row * 8, 8)}"` +
      this.#unlessEmpty('traceState', columns.traceStates[row]) +
      parent +
      unlessZero('flags', columns.flags[row]) +
      `,"name":${this.#quoted(columns.names[row])}` +
      unlessZero('kind', columns.kinds[row]) +
      `,"startTimeUnixNano":"${nanoText(columns.startNano, row)}"` +
      `,"endTimeUnixNano":"${nanoText(columns.endNano, row)}"` +
      this.#attributes(attributes, row) +
      unlessZero('droppedAttributesCount', columns.droppedAttributes[row]) +
      this.#events(row) +
      unlessZero('droppedEventsCount', columns.droppedEvents[row]) +
      this.#links(row) +
      unlessZero('droppedLinksCount', columns.droppedLinks[row]) +
      `,"status":{${status.slice(1)}}}`
    );
  }

  #events(row: number): string {
    const { starts, columns, attributes } = this.#batch.events;
    let text = '';
    for (let i = starts[row] ?? 0; i < (starts[row + 1] ?? 0); i++) {
      text +=
        `,{"timeUnixNano":"${nanoText(columns.timeNano, i)}"` +
        this.#unlessEmpty('name', columns.names[i]) +
        this.#attributes(attributes, i) +
        unlessZero('droppedAttributesCount', columns.droppedAttributes[i]) +
        '}';
    }
    return unlessNone('events', text);
  }

  #links(row: number): string {
    const { starts, columns, attributes } = this.#batch.links;
    let text = '';
    for (let i = starts[row] ?? 0; i < (starts[row + 1] ?? 0); i++) {
      text +=
        `,{"traceId":"${hexAt(columns.traceIds, i * 16, 16)}"` +
        `,"spanId":"${hexAt(columns.spanIds, i * 8, 8)}"` +
        this.#unlessEmpty('traceState', columns.traceStates[i]) +
        this.#attributes(attributes, i) +
        unlessZero('droppedAttributesCount', columns.droppedAttributes[i]) +
        unlessZero('flags', columns.flags[i]) +
        '}';
    }
    return unlessNone('links', text);
  }

  #attributes(table: AttributeTable, owner: number): string {
    const { starts, keys } = table;
    let text = '';
    for (let i = starts[owner] ?? 0; i < (starts[owner + 1] ?? 0); i++) {
      text += `,{"key":${this.#quoted(keys[i])},"value":${this.#value(table, i)}}`;
    }
    return unlessNone('attributes', text);
  }

  #value(table: AttributeTable, i: number): string {
    const low = table.values[i * 2] ?? 0;
    const type = table.types[i];
    if (type === AttributeType.string) return `{"stringValue":${this.#quoted(low)}}`;
    // Most are small: no bigint for them.
    const isSmall = type === AttributeType.int && table.values[i * 2 + 1] === 0;
    if (isSmall) return `{"intValue":"${low}"}`;
    return valueText(readValue(this.#batch, table, i));
  }

  #unlessEmpty(key: string, id: number | undefined): string {
    const quoted = this.#quoted(id);
    return quoted === '""' ? '' : `,"${key}":${quoted}`;
  }

  #quoted(id: number | undefined): string {
    return this.#batch.strings.quoted(id ?? 0);
  }
}

function valueText(value: AttributeValue): string {
  switch (value.type) {
    case 'empty':
      return '{}';
    case 'string':
      return `{"stringValue":${JSON.stringify(value.value)}}`;
    case 'bool':
      return `{"boolValue":${value.value}}`;
    case 'int':
      return `{"intValue":"${value.value}"}`;
    case 'double':
      return `{"doubleValue":${doubleText(value.value)}}`;
    case 'bytes':
      return `{"bytesValue":"${Buffer.from(value.value).toString('base64')}"}`;
    case 'array':
      return `{"arrayValue":{"values":[${value.value.map(valueText).join(',')}]}}`;
    case 'kvlist':
      return `{"kvlistValue":{"values":[${value.value.map(keyValueText).join(',')}]}}`;
  }
}

function keyValueText({ key, value }: KeyValue): string {
  return `{"key":${JSON.stringify(key)},"value":${valueText(value)}}`;
}

// Fields begin with a comma: what comes before them is known where they are put together.

function unlessZero(key: string, count: number | undefined): string {
  return count === 0 || count === undefined ? '' : `,"${key}":${count}`;
}

function unlessNone(key: string, values: string): string {
  return values === '' ? '' : `,"${key}":[${values.slice(1)}]`;
}

function nanoText(column: Uint32Array, row: number): string {
  return String(bigNanoFromWords(column[row * 2] ?? 0, column[row * 2 + 1] ?? 0));
}

/** JSON has no words for these; protobuf's reading of JSON takes them as text. */
function doubleText(value: number): string {
  if (Object.is(value, -0)) return '"-0"';
  return Number.isFinite(value) ? String(value) : `"${value}"`;
}
