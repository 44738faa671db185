/** Where in a structured filter a node stands, for messages, and what bounds the walk. */

import { QueryError } from '../error.ts';

export interface Place {
  readonly path: string;
  readonly depth: number;
  /** Shared by the whole walk. */
  readonly nodes: { count: number };
  /** Collections that enclosing `some` calls look at one of. */
  readonly bound: readonly ('event' | 'link')[];
}

export function entry(place: Place, step: string): Place {
  return { ...place, path: `${place.path}.${step}`, depth: place.depth + 1 };
}

/** The object that a one-armed message holds under that name. */
export function member(value: unknown, name: string): object | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const inner: unknown = Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
  return typeof inner === 'object' && inner !== null ? inner : undefined;
}

/** '' when it is not there or no text. */
export function textMember(value: object, name: string): string {
  const found: unknown = Object.hasOwn(value, name) ? Reflect.get(value, name) : '';
  return typeof found === 'string' ? found : '';
}

export function refuse({ path }: Place, why: string): QueryError {
  return new QueryError('bad_request', `${path}: ${why}`);
}
