/** Policies about an attribute of a span or of its resource: one span that has it is enough. */

import { compileRegex } from '../../lib/regex.ts';
import { AttributeType } from '../../model/attribute.ts';
import { bigNanoFromWords } from '../../model/time.ts';
import type { AttributeTable, SpanBatch } from '../../model/batch/span-batch.ts';
import type { HeldTrace, Policy, Vote } from './trace.ts';

/** Looks at one value; `at` is its row in the table. */
type Matches = (batch: SpanBatch, table: AttributeTable, at: number) => boolean;

interface Wanted {
  readonly key: string;
  readonly invert_match: boolean;
}

export function numericAttribute(
  config: Wanted & {
    readonly min_value?: number | undefined;
    readonly max_value?: number | undefined;
  },
): Policy {
  // As in the Collector, where 0 cannot be told from "not given".
  const least = BigInt(
    config.min_value === undefined || config.min_value === 0
      ? Number.MIN_SAFE_INTEGER
      : config.min_value,
  );
  const most = BigInt(
    config.max_value === undefined || config.max_value === 0
      ? Number.MAX_SAFE_INTEGER
      : config.max_value,
  );
  return attribute(config, (_batch, table, at) => {
    if (table.types[at] !== AttributeType.int) return false;
    const words = bigNanoFromWords(table.values[at * 2] ?? 0, table.values[at * 2 + 1] ?? 0);
    const value = BigInt.asIntN(64, words);
    return value >= least && value <= most;
  });
}

export function stringAttribute(
  config: Wanted & { readonly values: readonly string[]; readonly enabled_regex_matching: boolean },
): Policy {
  const matches = stringMatcher(config.values, config.enabled_regex_matching);
  return attribute(config, (batch, table, at) => {
    if (table.types[at] !== AttributeType.string) return false;
    const text = batch.strings.text(table.values[at * 2] ?? 0);
    return text !== '' && matches(text);
  });
}

export function booleanAttribute(config: Wanted & { readonly value: boolean }): Policy {
  return attribute(config, (_batch, table, at) => {
    const isTrue = table.values[at * 2] !== 0;
    return table.types[at] === AttributeType.bool && isTrue === config.value;
  });
}

function stringMatcher(values: readonly string[], isRegex: boolean): (text: string) => boolean {
  if (!isRegex) {
    const wanted = new Set(values);
    return (text) => wanted.has(text);
  }
  const patterns = values.filter((value) => value !== '').map(compileRegex);
  return (text) => patterns.some((pattern) => pattern.isIn(text));
}

function attribute({ key, invert_match: isInverted }: Wanted, matches: Matches): Policy {
  return (trace): Vote => {
    const isFound = someAttribute(trace, key, matches);
    if (isInverted) return isFound ? 'invert_not_sampled' : 'invert_sampled';
    return isFound ? 'sampled' : 'not_sampled';
  };
}

function someAttribute({ batch, rows }: HeldTrace, key: string, matches: Matches): boolean {
  const keyId = batch.strings.find(key);
  if (keyId < 0) return false;
  const seen = new Set<number>();
  const { resources } = batch.spans.columns;
  for (const row of rows) {
    if (inOwner(batch, batch.spans.attributes, { owner: row, keyId, matches })) return true;
    const resource = resources[row] ?? 0;
    if (seen.has(resource)) continue;
    seen.add(resource);
    if (inOwner(batch, batch.resources.attributes, { owner: resource, keyId, matches }))
      return true;
  }
  return false;
}

function inOwner(
  batch: SpanBatch,
  table: AttributeTable,
  { owner, keyId, matches }: { owner: number; keyId: number; matches: Matches },
): boolean {
  const end = table.starts[owner + 1] ?? 0;
  for (let at = table.starts[owner] ?? 0; at < end; at++) {
    if (table.keys[at] === keyId && matches(batch, table, at)) return true;
  }
  return false;
}
