/** Columns of packed strings (parquet/packed-text.ts) in SQL. */

import { PACKED_BYTES, type PackedType, packText } from '../parquet/packed-text.ts';

/** The text that a value of the column stands for, null of a null. */
export function packedTextSql(column: string, type: PackedType): string {
  if (type === 'uuid') return `CAST(${column} AS VARCHAR)`;
  const parts = [24, 16, 8, 0].map((shift) => `((${column} >> ${shift}) & 255)::VARCHAR`);
  return `(${parts.join(" || '.' || ")})`;
}

/** The value of such a column that stands for a text; undefined when none does. */
export function packedLiteral(text: string, type: PackedType): string | undefined {
  const bytes = packText(text, type);
  if (bytes === undefined) return undefined;
  if (type === 'uuid') return `'${text}'::UUID`;
  return `${new DataView(bytes.buffer, 0, PACKED_BYTES.ipv4).getUint32(0, true)}::UINTEGER`;
}
