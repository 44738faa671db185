/** What the encoder's thread does: frames become rows as they come, and files when asked. Encoding
 *  happens at once, so a flush holds exactly what was appended before it; writing goes on beside what
 *  comes. */

import type { MessagePort } from 'node:worker_threads';
import { messageOf } from '../../../lib/errors.ts';
import { decodeFrame } from '../../../model/batch/frame.ts';
import { StorageError } from '../../contract.ts';
import { indexPathOf } from '../manifest.ts';
import type { FileSystem } from '../file-system.ts';
import { openIndex } from '../index-file.ts';
import type { SegmentIndex } from '../segment-index.ts';
import type { TraceEntry } from '../summary-block.ts';
import { publishDataFile, type PublishOptions } from './data-file.ts';
import { type FileFacts, type FileInput, joinFiles } from './file-builder.ts';
import { IndexWriter } from './index-writer.ts';
import type { Orphans } from './missing-parents.ts';
import type { AppendedRows, Failure, Message, Reply, Request, WorkerOptions } from './messages.ts';
import { reindexDamaged } from './reindex.ts';
import { TenantRows } from './tenant-rows.ts';

export class EncoderWork {
  readonly #port: MessagePort;
  readonly #options: WorkerOptions;
  readonly #files: FileSystem;
  readonly #tenants = new Map<string, TenantRows>();
  /** Why a tenant's rows are not all there. */
  readonly #broken = new Map<string, Error>();
  /** Flushes and snapshots write one after another. */
  #writing: Promise<void> = Promise.resolve();
  #stitching: Promise<void> = Promise.resolve();

  /** Answers on `port`. */
  constructor(port: MessagePort, options: WorkerOptions, files: FileSystem) {
    this.#port = port;
    this.#options = options;
    this.#files = files;
  }

  handle(message: Message): void {
    switch (message.kind) {
      case 'append':
        for (const rows of message.rows) this.#append(rows);
        return undefined;
      case 'discard':
        return this.#forget(message.tenant);
      case 'flush':
        return this.#write(message, message.number, true);
      case 'snapshot':
        return this.#write(message, 0, false);
      case 'stitch':
        this.#stitching = this.#stitching.then(() =>
          this.#answer(message, () => stitch(this.#files, message.inputs, message.path)),
        );
        return undefined;
      case 'reindex':
        this.#stitching = this.#stitching.then(() =>
          this.#answer(message, () => reindexDamaged(this.#files, message.path, message.seed)),
        );
        return undefined;
      case 'rewrite':
        this.#stitching = this.#stitching.then(() =>
          this.#answer(message, async () => {
            // Rare: loaded when it is needed.
            const { rewriteFile } = await import('./rewrite.ts');
            return rewriteFile(message, { files: this.#files, tableSeed: this.#options.seed });
          }),
        );
        return undefined;
    }
  }

  #forget(tenant: string): void {
    this.#tenants.get(tenant)?.reset();
    this.#tenants.delete(tenant);
    this.#broken.delete(tenant);
  }

  #append({ tenant, walSeq, frame, hashes }: AppendedRows): void {
    try {
      const rows = this.#tenants.get(tenant) ?? new TenantRows(this.#options.seed);
      this.#tenants.set(tenant, rows);
      rows.add(decodeFrame(frame), walSeq, hashes);
    } catch (error) {
      this.#broken.set(tenant, toError(error));
    }
  }

  #write(request: Extract<Request, { tenant: string }>, number: number, isFlush: boolean): void {
    const { tenant, path, nowMs } = request;
    let write: () => Promise<boolean>;
    try {
      const broken = this.#broken.get(tenant);
      if (broken !== undefined) throw broken;
      const rows = this.#tenants.get(tenant);
      if (rows === undefined || rows.count === 0) {
        write = () => Promise.resolve(false);
      } else {
        const { walTo } = rows;
        const facts = { tenant, from: number, to: number, walTo, writtenAtMs: nowMs };
        write = writeRows(rows, facts, { files: this.#files, path, isDurable: isFlush });
      }
    } catch (error) {
      write = () => Promise.reject(toError(error));
    }
    // After a flush that failed they are appended anew: the main thread has them still.
    if (isFlush) this.#forget(tenant);
    this.#writing = this.#writing.then(() => this.#answer(request, write));
  }

  /** `work` says whether there is a file. */
  async #answer({ id }: Request, work: () => Promise<boolean>): Promise<void> {
    let reply: Reply;
    try {
      reply = { id, ok: true, isEmpty: !(await work()) };
    } catch (error) {
      reply = { id, ok: false, failure: failureOf(error) };
    }
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- no window is at either end
    this.#port.postMessage(reply);
  }
}

/** Encodes now; the returned function writes. */
function writeRows(
  rows: TenantRows,
  facts: FileFacts,
  options: PublishOptions,
): () => Promise<boolean> {
  const hashes = options.isDurable ? rows.takeHashes() : undefined;
  const groups = rows.encode(facts);
  return async () => {
    await publishDataFile(options, async (write) => {
      const [only] = groups;
      if (only === undefined || groups.length > 1) {
        const inputs = groups.map((group): FileInput => ({
          header: group.header,
          entries: () => group.entries,
          parquet: () => Promise.resolve(group.parquet),
          red: () => group.red,
          values: () => [group.values],
        }));
        return (await joinFiles(inputs, write, hashes)).index;
      }
      await write([only.parquet]);
      const index = new IndexWriter();
      for (const entry of only.entries) index.add(entry);
      return index.finish(only.header, { hashes, red: only.red, values: [only.values] });
    });
    return true;
  };
}

async function stitch(files: FileSystem, paths: readonly string[], path: string): Promise<boolean> {
  const inputs = paths.map((input): FileInput => {
    const index = openIndex(indexPathOf(input));
    return {
      header: index.header,
      entries: () => entriesOf(index),
      orphans: () => orphansOf(index),
      parquet: () => files.read(input),
      red: () => index.red(),
      values: () => index.values()?.records,
      hashes: () => index.hashes(),
      calls: () => index.calls(),
    };
  });
  const options = { files, path, isDurable: true };
  await publishDataFile(options, async (write) => {
    const { index } = await joinFiles(inputs, write);
    return index;
  });
  return true;
}

function* entriesOf(index: SegmentIndex): Generator<TraceEntry> {
  for (let position = 0; position < index.traceCount; position++) {
    yield { summary: index.summaryAt(position), rowGroups: index.rowGroupsAt(position) };
  }
}

function* orphansOf(index: SegmentIndex): Generator<Orphans> {
  for (let position = 0; position < index.traceCount; position++) {
    const missingParents = index.missingParentsAt(position);
    if (missingParents.length > 0) yield { traceId: index.traceIdAt(position), missingParents };
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(messageOf(error));
}

function failureOf(error: unknown): Failure {
  const message = messageOf(error);
  if (error instanceof StorageError) {
    const { code, retryable, retryAfterMs, hint } = error;
    return { code, message, retryable, retryAfterMs, hint };
  }
  // A RangeError tells of bytes that are not what this program writes.
  const code = error instanceof RangeError ? 'damaged' : 'unavailable';
  return { code, message, retryable: true, retryAfterMs: undefined, hint: undefined };
}
