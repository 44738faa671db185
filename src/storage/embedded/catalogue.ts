/** What a tenant's spans have: services, operations, attribute keys with their types. Kept while
 *  writing, so that lists in the UI cost no scan. Each entry remembers the day it was last seen,
 *  and goes when retention has removed everything of that day. Bounded: what comes when a list is
 *  full is stored and found all the same, only not listed.
 *  `catalogue.json` holds what was in it at the last flush; the log brings what came later. */

import { SPAN_KINDS, type SpanKind } from '../../model/attribute.ts';
import type { AttributeTable, SpanBatch } from '../../model/batch/span-batch.ts';
import type { AttributeKey, Operation } from '../contract.ts';
import { CatalogueMemory } from './catalogue-memory.ts';

const OPERATIONS_MAX = 50_000;
const KEYS_MAX = 20_000;
/** Of all names together, in UTF-16: they are written as a whole, on the main thread. */
const TEXT_MAX = 16 * 1024 * 1024;
const DAY_MS = 86_400_000;

const SCOPES = ['resource', 'scope', 'span', 'event', 'link'] as const;
type Scope = (typeof SCOPES)[number];

/** By OTLP number; an empty value has no type to speak of. */
const TYPE_NAMES = [
  undefined,
  'string',
  'bool',
  'int',
  'double',
  'array',
  'kvlist',
  'bytes',
] as const;

interface OperationEntry extends Operation {
  readonly service: string;
  day: number;
}

interface KeyEntry {
  readonly scope: Scope;
  readonly key: string;
  /** Bit n = AttributeType n. */
  types: number;
  day: number;
}

export interface CatalogueState {
  readonly operations: readonly (readonly [string, string, number, number])[];
  readonly keys: readonly (readonly [Scope, string, number, number])[];
}

export class Catalogue {
  /** By service, then by kind and name. */
  readonly #services = new Map<string, Map<string, OperationEntry>>();
  readonly #keys = new Map<string, KeyEntry>();
  #operationCount = 0;
  /** Length of all names. */
  #text = 0;
  #isDirty = false;
  /** Of the day at hand. */
  readonly #memory = new CatalogueMemory();
  #day = 0;

  get isDirty(): boolean {
    return this.#isDirty;
  }

  add(batch: SpanBatch, nowMs: number): void {
    const day = Math.floor(nowMs / DAY_MS);
    // Each entry is to be told of each day.
    if (day === this.#day) this.#memory.trim();
    else this.#memory.forget();
    this.#day = day;
    this.#addOperations(batch, day);
    this.#addKeys(batch, batch.spans.attributes, { scope: 'span', day });
    this.#addKeys(batch, batch.events.attributes, { scope: 'event', day });
    this.#addKeys(batch, batch.links.attributes, { scope: 'link', day });
    this.#addKeys(batch, batch.resources.attributes, { scope: 'resource', day });
    this.#addKeys(batch, batch.scopes.attributes, { scope: 'scope', day });
  }

  services(): string[] {
    return [...this.#services.keys()].filter((name) => name !== '').toSorted(byCodeUnit);
  }

  operations(service: string, kind?: SpanKind): Operation[] {
    return [...(this.#services.get(service)?.values() ?? [])]
      .filter((operation) => kind === undefined || operation.kind === kind)
      .map(({ name, kind: itsKind }) => ({ name, kind: itsKind }))
      .toSorted((a, b) => byCodeUnit(a.name, b.name) || byCodeUnit(a.kind, b.kind));
  }

  attributeKeys(): AttributeKey[] {
    return [...this.#keys.values()]
      .map(({ scope, key, types }) => ({ scope, key, types: typeNames(types) }))
      .filter(({ types }) => types.length > 0)
      .toSorted((a, b) => byCodeUnit(a.scope, b.scope) || byCodeUnit(a.key, b.key));
  }

  /** Forgets what was last seen before `sinceMs`. */
  prune(sinceMs: number): void {
    const sinceDay = Math.floor(sinceMs / DAY_MS);
    this.#memory.forget();
    for (const [service, operations] of this.#services) {
      for (const [id, { day, name }] of operations) {
        if (day >= sinceDay) continue;
        operations.delete(id);
        this.#operationCount--;
        this.#text -= service.length + name.length;
        this.#isDirty = true;
      }
      if (operations.size === 0) this.#services.delete(service);
    }
    for (const [id, { day }] of this.#keys) {
      if (day >= sinceDay) continue;
      this.#keys.delete(id);
      this.#text -= id.length;
      this.#isDirty = true;
    }
  }

  /** What is to be kept; the catalogue is clean from here on. */
  takeState(): CatalogueState {
    this.#isDirty = false;
    const operations = [...this.#services.values()].flatMap((byId) =>
      [...byId.values()].map(
        ({ service, name, kind, day }) => [service, name, SPAN_KINDS.indexOf(kind), day] as const,
      ),
    );
    const keys = [...this.#keys.values()].map(
      ({ scope, key, types, day }) => [scope, key, types, day] as const,
    );
    return { operations, keys };
  }

  /** The state was not written after all. */
  markDirty(): void {
    this.#isDirty = true;
  }

  restore({ operations, keys }: CatalogueState): void {
    for (const [service, name, kind, day] of operations) {
      this.#addOperation({ service, name, kind, day });
    }
    for (const [scope, key, types, day] of keys) this.#addKey({ scope, key, types, day });
    this.#isDirty = false;
  }

  /** Rows of one operation mostly follow each other or repeat: each combination of string ids is
   *  looked up once a batch. */
  #addOperations(batch: SpanBatch, day: number): void {
    const { names, kinds } = batch.spans.columns;
    const known = new Set<number>();
    for (let row = 0; row < batch.count; row++) {
      const service = batch.serviceOf(row);
      const name = names[row] ?? 0;
      const kind = kinds[row] ?? 0;
      // Exact while a batch has fewer than 2^25 strings.
      const combination = (service * 0x200_0000 + name) * 8 + (kind & 7);
      if (known.has(combination)) continue;
      known.add(combination);
      const { strings } = batch;
      if (this.#memory.hasOperation(strings, service, name, kind)) continue;
      this.#addOperation({ service: strings.text(service), name: strings.text(name), kind, day });
    }
  }

  #addOperation(found: { service: string; name: string; kind: number; day: number }): void {
    const kind = SPAN_KINDS[found.kind] ?? 'unspecified';
    const id = `${kind} ${found.name}`;
    let operations = this.#services.get(found.service);
    const known = operations?.get(id);
    if (known !== undefined) {
      if (known.day >= found.day) return;
      known.day = found.day;
      this.#isDirty = true;
      return;
    }
    if (this.#operationCount >= OPERATIONS_MAX) return;
    if (!this.#hasRoomFor(found.service, found.name)) return;
    if (operations === undefined) {
      operations = new Map();
      this.#services.set(found.service, operations);
    }
    const { service, name, day } = found;
    operations.set(id, { service, name, kind, day });
    this.#operationCount++;
    this.#isDirty = true;
  }

  /** And takes it. */
  #hasRoomFor(...names: readonly string[]): boolean {
    const length = names.reduce((sum, name) => sum + name.length, 0);
    if (this.#text + length > TEXT_MAX) return false;
    this.#text += length;
    return true;
  }

  #addKeys(
    batch: SpanBatch,
    { keys, types }: AttributeTable,
    { scope, day }: { scope: Scope; day: number },
  ): void {
    if (keys.length === 0) return;
    const { strings } = batch;
    const scopeNumber = SCOPES.indexOf(scope);
    const typesOf = new Uint8Array(strings.count);
    const seen: number[] = [];
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] ?? 0;
      const before = typesOf[key] ?? 0;
      const after = before | (1 << (types[i] ?? 0));
      if (after === before) continue;
      if (before === 0) seen.push(key);
      typesOf[key] = after;
    }
    for (const key of seen) {
      const found = typesOf[key] ?? 0;
      if (this.#memory.hasKey(strings, key, scopeNumber, found)) continue;
      this.#addKey({ scope, key: strings.text(key), types: found, day });
    }
  }

  #addKey({ scope, key, types, day }: KeyEntry): void {
    const id = `${scope} ${key}`;
    const known = this.#keys.get(id);
    if (known === undefined) {
      if (this.#keys.size >= KEYS_MAX || !this.#hasRoomFor(id)) return;
      this.#keys.set(id, { scope, key, types, day });
      this.#isDirty = true;
      return;
    }
    if ((known.types | types) === known.types && known.day >= day) return;
    known.types |= types;
    known.day = Math.max(known.day, day);
    this.#isDirty = true;
  }
}

function typeNames(types: number): AttributeKey['types'] {
  return TYPE_NAMES.filter((name, type) => name !== undefined && types & (1 << type)).filter(
    (name) => name !== undefined,
  );
}

function byCodeUnit(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
