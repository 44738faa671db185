/** Where in the sources each value was written, kept beside the values through every merge, so that
 *  a problem can be shown at its line. */
import {
  isAlias,
  isMap as isYamlMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
} from 'yaml';
import { parseTree } from './yaml.ts';

export interface Place {
  /** `spoor.yaml:12:5`, `--set a.b`; undefined for what no source has written. */
  readonly at: string | undefined;
  readonly isMap: boolean;
  readonly children: ReadonlyMap<string, Place>;
}

export const nowhere: Place = { at: undefined, isMap: true, children: new Map() };

/** Of a text that is valid YAML.
 *  @param source how the text is called: `spoor.yaml`
 *  @param isNested keys like `a::b` stand for maps in maps, as in literal sources */
export function placesIn(text: string, source: string, isNested = false): Place {
  const lines = new LineCounter();
  const document = parseTree(text, lines);
  const reader = new PlaceReader(
    (offset) => {
      const { line, col } = lines.linePos(offset);
      return `${source}:${line}:${col}`;
    },
    (node) => (isAlias(node) ? node.resolve(document) : node),
  );
  const root = reader.read(document.contents, `${source}:1:1`);
  return isNested ? nestedPlace(root) : root;
}

/** Of a value that stands in one place as a whole. */
export function placeOf(at: string, path: readonly string[]): Place {
  return path
    .toReversed()
    .reduce<Place>((child, key) => ({ at, isMap: true, children: new Map([[key, child]]) }), {
      at,
      isMap: false,
      children: new Map(),
    });
}

/** The same rule as for the values: maps merge, anything else is replaced. */
export function mergePlaces(earlier: Place, later: Place): Place {
  if (!earlier.isMap || !later.isMap) return later;
  const children = new Map(earlier.children);
  for (const [key, place] of later.children) {
    const before = children.get(key);
    children.set(key, before ? mergePlaces(before, place) : place);
  }
  return { at: later.at, isMap: true, children };
}

/** Of the value at the path, or of the nearest one above it that was written. */
export function placeAt(root: Place, path: readonly string[]): string | undefined {
  let place = root;
  let at: string | undefined;
  for (const key of path) {
    const child = childOf(place, key);
    if (!child) break;
    place = child;
    at = child.at ?? at;
  }
  return at;
}

/** Ids are trimmed before they are spoken of. */
function childOf({ children }: Place, key: string): Place | undefined {
  return children.get(key) ?? [...children].find(([written]) => written.trim() === key)?.[1];
}

class PlaceReader {
  readonly #at: (offset: number) => string;
  readonly #resolved: (node: Node) => Node | undefined;

  constructor(at: (offset: number) => string, resolved: (node: Node) => Node | undefined) {
    this.#at = at;
    this.#resolved = resolved;
  }

  /** @param at where the key stands, or the value where there is none */
  read(written: Node | null, at: string): Place {
    const node = written ? this.#resolved(written) : undefined;
    if (isYamlMap(node)) {
      const children = new Map(node.items.flatMap((pair) => this.#pair(pair)));
      return { at, isMap: true, children };
    }
    const items = isSeq(node) ? node.items.map((item, index) => this.#item(item, index)) : [];
    return { at, isMap: false, children: new Map(items) };
  }

  /** A merge key gives the keys of another map; what is written beside it comes later and wins. */
  #pair({ key, value }: Pair): [string, Place][] {
    if (!isScalar(key)) return [];
    const place = this.read(asNode(value), this.#at(key.range?.[0] ?? 0));
    if (key.source !== '<<') return [[String(key.value), place]];
    const merged = place.isMap ? [place] : [...place.children.values()];
    return merged.toReversed().flatMap(({ children }) => [...children]);
  }

  #item(item: unknown, index: number): [string, Place] {
    const node = asNode(item);
    return [String(index), this.read(node, this.#at(node?.range?.[0] ?? 0))];
  }
}

function asNode(value: unknown): Node | null {
  return isScalar(value) || isYamlMap(value) || isSeq(value) || isAlias(value) ? value : null;
}

function nestedPlace(root: Place): Place {
  return [...root.children].reduce<Place>(
    (merged, [key, place]) => {
      const steps = key.split('::').toReversed();
      const wrapped = steps.reduce<Place>(
        (child, step) => ({ at: place.at, isMap: true, children: new Map([[step, child]]) }),
        place,
      );
      return mergePlaces(merged, wrapped);
    },
    { ...nowhere, at: root.at },
  );
}
