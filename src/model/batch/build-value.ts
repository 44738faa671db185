/** Filling a builder from JavaScript values: for JSON input, query results and tests, where objects
 *  exist already. The protobuf decoder writes columns directly and does not come here. */

import { AttributeType, type KeyValue } from '../attribute.ts';
import { encodeNested } from '../any-value.ts';
import type { GrowingAttributes, SpanBatchBuilder } from './builder.ts';

/** Adds attributes to the owner of `table` that was opened last. */
export function addAttributes(
  builder: SpanBatchBuilder,
  table: GrowingAttributes,
  attributes: readonly KeyValue[],
): void {
  for (const { key, value } of attributes) addAttribute(builder, table, { key, value });
}

function addAttribute(
  builder: SpanBatchBuilder,
  table: GrowingAttributes,
  { key, value }: KeyValue,
): void {
  const { strings } = builder;
  const id = strings.internText(key);
  switch (value.type) {
    case 'empty':
      return table.add(id, AttributeType.empty, 0, 0);
    case 'string':
      return table.add(id, AttributeType.string, strings.internText(value.value), 0);
    case 'bool':
      return table.addBool(id, value.value);
    case 'int':
      return table.addInt(id, value.value);
    case 'double':
      return table.addDouble(id, value.value);
    case 'bytes': {
      const bytes = strings.intern(value.value, 0, value.value.length);
      return table.add(id, AttributeType.bytes, bytes, 0);
    }
    default: {
      const bytes = encodeNested(value);
      const type = value.type === 'array' ? AttributeType.array : AttributeType.kvlist;
      return table.add(id, type, strings.intern(bytes, 0, bytes.length), 0);
    }
  }
}
