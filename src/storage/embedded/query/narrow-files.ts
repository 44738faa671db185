/** Which row groups of a file a filter can match, by the value filters in its index: files that have
 *  none are not asked, and of the others only those row groups. It errs on the side of asking: a
 *  condition it knows nothing of may match anywhere. */

import type { AttributeScope, Field, Filter, Scalar } from '../../../filter/ast.ts';
import { StorageError } from '../../contract.ts';
import type { DataFile, RowRange } from '../manifest.ts';
import { attributeColumn, REST_COLUMNS } from '../schema.ts';
import { hashOfPair, hashOfText, isIpv4, type ValueFilters } from '../value-filter.ts';
import { type FileShape, shapeOf } from './file-shape.ts';

export interface NarrowedFile {
  readonly file: DataFile;
  /** Where rows that match are, ascending and apart; absent when they may be anywhere. */
  readonly rows?: readonly RowRange[] | undefined;
}

/** A scan of its own costs as much as reading so many row groups in vain. */
const GAP_MAX = 3;

/** Files read before others get a turn: each takes half a millisecond. */
const FILES_A_TURN = 16;

export async function narrowFiles(
  files: readonly DataFile[],
  filter: Filter | undefined,
): Promise<readonly NarrowedFile[]> {
  if (filter === undefined || !namesValue(filter)) return files.map((file) => ({ file }));
  const narrowed: NarrowedFile[] = [];
  for (const [i, file] of files.entries()) {
    if (i % FILES_A_TURN === FILES_A_TURN - 1) await new Promise(setImmediate);
    const one = narrow(file, filter);
    if (one !== undefined) narrowed.push(one);
  }
  return narrowed;
}

function narrow(file: DataFile, filter: Filter): NarrowedFile | undefined {
  let read: ValueFilters | undefined;
  // Only when a value is asked for in a column that the file has.
  const filters = () => (read ??= filtersOf(file));
  const rowGroups = new Narrowing(filters, file).of(filter);
  if (rowGroups === ANY) return { file };
  if (rowGroups.size === 0) return undefined;
  const rows = rangesOf(file, rowGroups);
  return rows === undefined ? { file } : { file, rows };
}

/** Undefined when the file does not say how many rows its row groups have. */
export function rangesOf(
  { rowGroupRows = [] }: DataFile,
  wanted: ReadonlySet<number>,
): RowRange[] | undefined {
  const ranges: RowRange[] = [];
  let last = -Infinity;
  let from = 0;
  for (const [rowGroup, rows] of rowGroupRows.entries()) {
    const to = from + rows;
    if (wanted.has(rowGroup)) {
      const before = rowGroup - last - 1 <= GAP_MAX ? ranges.pop() : undefined;
      ranges.push({ from: before?.from ?? from, to });
      last = rowGroup;
    }
    from = to;
  }
  return ranges.length === 0 ? undefined : ranges;
}

/** Without them the file is asked as a whole: that is slower and as right. */
function filtersOf({ index }: DataFile): ValueFilters | undefined {
  try {
    return index?.values();
  } catch (error) {
    if (error instanceof StorageError && error.code === 'damaged') return undefined;
    throw error;
  }
}

/** Whether a look into the value filters can rule anything out. */
function namesValue(filter: Filter): boolean {
  switch (filter.op) {
    case 'and':
      return filter.of.some(namesValue);
    case 'or':
      return filter.of.length > 0 && filter.of.every(namesValue);
    case 'compare':
      return filter.by === '=' && typeof filter.value === 'string' && isNarrowing(filter.field);
    case 'in':
      return filter.values.every((value) => typeof value === 'string') && isNarrowing(filter.field);
    case 'looseEquals':
      return !OWN_KEYS.has(filter.key);
    default:
      return false;
  }
}

function isNarrowing(field: Field): boolean {
  if (field.kind === 'intrinsic') return field.name === 'service' || field.name === 'name';
  return field.kind === 'attribute';
}

/** They ask for the span's own fields. */
const OWN_KEYS: ReadonlySet<string> = new Set([
  'error',
  'span.kind',
  'span.status',
  'scope.name',
  'scope.version',
]);

const ANY = 'any';
type RowGroups = typeof ANY | ReadonlySet<number>;

const SCOPES: readonly AttributeScope[] = ['span', 'resource', 'scope', 'event', 'link'];

class Narrowing {
  readonly #filters: () => ValueFilters | undefined;
  readonly #file: DataFile;
  readonly #shape: FileShape;

  constructor(filters: () => ValueFilters | undefined, file: DataFile) {
    this.#filters = filters;
    this.#file = file;
    this.#shape = shapeOf(file);
  }

  of(filter: Filter): RowGroups {
    switch (filter.op) {
      case 'and':
        return this.#all(filter.of);
      case 'or':
        return filter.of.map((each) => this.of(each)).reduce(inEither, new Set<number>());
      case 'compare':
        return filter.by === '=' ? this.#field(filter.field, [filter.value]) : ANY;
      case 'in':
        return this.#field(filter.field, filter.values);
      case 'looseEquals':
        return this.#loose(filter.key, filter.text);
      default:
        return ANY;
    }
  }

  #all(filters: readonly Filter[]): RowGroups {
    let left: RowGroups = ANY;
    for (const each of filters) {
      if (left !== ANY && left.size === 0) break;
      left = inBoth(left, this.of(each));
    }
    return left;
  }

  #field(field: Field, values: readonly Scalar[]): RowGroups {
    const texts = values.filter((value) => typeof value === 'string');
    // A field that is absent reads as the empty text.
    if (texts.length < values.length || texts.includes('')) return ANY;
    if (field.kind === 'attribute') return this.#attribute(field.scope, field.key, texts);
    if (!isNarrowing(field)) return ANY;
    return this.#having(field.name, texts);
  }

  #loose(key: string, text: string): RowGroups {
    if (OWN_KEYS.has(key) || text === '') return ANY;
    const isOther = /^(?:-?\d|true$|false$|NaN$|-?Infinity$)/.test(text);
    if (isOther && this.#hasOtherType(key)) return ANY;
    return this.#attribute('any', key, [text]);
  }

  #hasOtherType(key: string): boolean {
    return (['span', 'resource', 'scope'] as const).some((scope) =>
      (['int', 'double', 'bool'] as const).some((type) => {
        const name = attributeColumn(scope, key, type)?.name;
        return name !== undefined && this.#shape.has(name);
      }),
    );
  }

  #attribute(scope: AttributeScope | 'any', key: string, texts: readonly string[]): RowGroups {
    const scopes = scope === 'any' ? SCOPES : [scope];
    return scopes
      .map((each) => this.#inScope(each, key, texts))
      .reduce(inEither, new Set<number>());
  }

  #inScope(scope: AttributeScope, key: string, texts: readonly string[]): RowGroups {
    const isElement = scope === 'event' || scope === 'link';
    const textColumn = isElement ? (`${scope}s` as const) : REST_COLUMNS[scope];
    if (this.#shape.mayHaveKey(textColumn, key)) return ANY;
    if (isElement) return new Set();
    const name = attributeColumn(scope, key, 'string')?.name;
    if (name === undefined) return ANY;
    // Texts may be stored as what they spell, in a column of another type.
    const hasColumn = this.#file.columns.some(
      (column) =>
        column.name === name ||
        (column.kind === 'attribute' && column.scope === scope && column.key === key),
    );
    return hasColumn ? this.#having(name, texts) : new Set();
  }

  #having(column: string, texts: readonly string[]): RowGroups {
    const filters = this.#filters();
    if (filters === undefined) return ANY;
    const found = new Set<number>();
    const of = hashOfText(column);
    for (const text of texts) {
      if (isIpv4(text)) return ANY;
      const hash = hashOfPair(of, hashOfText(text));
      for (let i = 0; i < filters.rowGroups; i++) {
        if (filters.mayHave(i, hash)) found.add(i);
      }
    }
    return found;
  }
}

function inBoth(a: RowGroups, b: RowGroups): RowGroups {
  if (a === ANY) return b;
  if (b === ANY) return a;
  return new Set([...a].filter((rowGroup) => b.has(rowGroup)));
}

function inEither(a: RowGroups, b: RowGroups): RowGroups {
  if (a === ANY || b === ANY) return ANY;
  return new Set([...a, ...b]);
}
