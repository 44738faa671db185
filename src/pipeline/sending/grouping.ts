/** What of a queue is sent at once. Without `sending_queue.batch` each queued batch goes alone. With
 *  it those of one tenant, and of the same values of the headers named, wait for each other until
 *  they are enough or the first has waited long enough; what is too much is cut. All that waits
 *  here still is in the queue and bounded by it, and a partition with nothing waiting takes nothing. */
import { Lane, type Part } from '../../component/batching/lane.ts';
import { laneKey } from '../../component/batching/lane-key.ts';
import { batchMeasures } from '../../component/batching/join.ts';
import {
  batchSizer,
  type QueueBatchSettings,
  type QueueSettings,
} from '../../component/sending.ts';
import type { Clock, Timer } from '../../lib/clock.ts';
import type { Client } from '../../model/batch/client.ts';

/** To be sent at once; there is one part at least. */
export interface Load {
  readonly parts: readonly Part[];
  /** What the merged batch says of its sender; undefined leaves that to the parts. */
  readonly client: Client | undefined;
}

export interface Grouping {
  add(part: Part): void;
  /** Gives out everything, and from now on each part as it comes. */
  close(): void;
}

export type Emit = (load: Load) => void;

export function groupingOf(queue: QueueSettings, clock: Clock, emit: Emit): Grouping {
  const { batch, sizer } = queue;
  if (batch !== undefined)
    return new Merging({ ...batch, sizer: batchSizer(batch, sizer) }, clock, emit);
  return { add: (part) => emit({ parts: [part], client: undefined }), close() {} };
}

interface Partition {
  readonly key: string;
  readonly client: Client | undefined;
  readonly lane: Lane;
  timer: Timer | undefined;
}

class Merging implements Grouping {
  readonly #settings: QueueBatchSettings & { readonly sizer: 'items' | 'bytes' };
  readonly #clock: Clock;
  readonly #emit: Emit;
  readonly #partitions = new Map<string, Partition>();
  #isClosed = false;

  constructor(
    settings: QueueBatchSettings & { readonly sizer: 'items' | 'bytes' },
    clock: Clock,
    emit: Emit,
  ) {
    this.#settings = settings;
    this.#clock = clock;
    this.#emit = emit;
  }

  add(part: Part): void {
    const partition = this.#partitionOf(part);
    const { lane } = partition;
    lane.add(part);
    while (!lane.isEmpty && lane.size >= this.#settings.min_size) this.#give(partition);
    if (this.#isClosed || lane.isEmpty) this.#flush(partition);
    else
      partition.timer ??= this.#clock.after(this.#settings.flush_timeout, () =>
        this.#flush(partition),
      );
  }

  close(): void {
    this.#isClosed = true;
    for (const partition of this.#partitions.values()) this.#flush(partition);
  }

  #partitionOf({ batch }: Part): Partition {
    const { text: key, client } = laneKey(batch, this.#settings.partition.metadata_keys);
    const known = this.#partitions.get(key);
    if (known) return known;
    const lane = new Lane(batchMeasures[this.#settings.sizer]);
    const made: Partition = { key, client, lane, timer: undefined };
    this.#partitions.set(key, made);
    return made;
  }

  #flush(partition: Partition): void {
    while (!partition.lane.isEmpty) this.#give(partition);
    partition.timer?.cancel();
    this.#partitions.delete(partition.key);
  }

  #give({ lane, client }: Partition): void {
    this.#emit({ parts: lane.take(this.#settings.max_size), client });
  }
}
