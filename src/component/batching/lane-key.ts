/** Which batches may be sent together: those of one tenant and, with `metadata_keys`, of the same
 *  values of these request headers. What they share is what the merged batch carries on. */
import type { Batch } from '../consumer.ts';
import type { Client } from '../../model/batch/client.ts';

export interface LaneKey {
  readonly text: string;
  /** What a merged batch says of its sender; undefined leaves that to the parts. */
  readonly client: Client | undefined;
}

/** @param names lower-cased header names */
export function laneKey(batch: Batch, names: readonly string[]): LaneKey {
  if (names.length === 0) return { text: batch.tenant, client: undefined };
  const metadata = new Map<string, readonly string[]>();
  for (const name of names) {
    const values = batch.client?.metadata.get(name);
    if (values !== undefined) metadata.set(name, values);
  }
  const text = JSON.stringify([batch.tenant, ...names.map((name) => metadata.get(name) ?? null)]);
  return { text, client: { address: '', metadata, auth: new Map() } };
}
