/** An encoder whose files hold nothing but say everything, and that does what a test tells it. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeFrame } from '../../model/batch/frame.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import type { EncoderRows, FlushTarget, SegmentEncoder } from './encoder-port.ts';
import { type DataFile, indexPathOf } from './manifest.ts';
import type { SegmentIndex } from './segment-index.ts';

interface Rows {
  readonly walSeq: number;
  readonly batch: SpanBatch;
}

export class FakeEncoder implements SegmentEncoder {
  problem: string | undefined;
  readonly calls: string[] = [];
  /** Names of the spans in each file, by path. */
  readonly contents = new Map<string, readonly string[]>();
  /** Waited for before a flush, a snapshot or a stitch answers. */
  gate: Promise<unknown> = Promise.resolve();
  failWith: Error | undefined;
  writtenAtMs = 0;
  bytesPerFile = 1000;
  readonly #rows = new Map<string, Rows[]>();
  readonly #walTo = new Map<string, number>();

  append(tenant: string, { walSeq, frame }: EncoderRows): void {
    this.#of(tenant).push({ walSeq, batch: decodeFrame(frame) });
  }

  discard(tenant: string): void {
    this.calls.push('discard');
    this.#rows.delete(tenant);
  }

  async flush(tenant: string, { directory, from }: FlushTarget): Promise<DataFile> {
    this.calls.push('flush');
    const rows = this.#of(tenant);
    this.#rows.set(tenant, []);
    const walTo = rows.at(-1)?.walSeq ?? 0;
    await this.#answer();
    this.#walTo.set(tenant, walTo);
    const path = join(directory, `${from}-${from}.parquet`);
    return this.#file(path, { kind: 'flush', from, to: from, names: namesOf(rows), walTo });
  }

  async snapshot(tenant: string, path: string): Promise<DataFile | undefined> {
    this.calls.push('snapshot');
    const rows = [...this.#of(tenant)];
    await this.#answer();
    const walTo = rows.at(-1)?.walSeq;
    if (walTo === undefined) return undefined;
    return this.#file(path, { kind: 'fresh', from: 0, to: 0, names: namesOf(rows), walTo });
  }

  async stitch(inputs: readonly DataFile[], path: string): Promise<DataFile> {
    this.calls.push('stitch');
    await this.#answer();
    const names = inputs.flatMap((file) => this.contents.get(file.path) ?? []);
    const [first, last] = [inputs[0]!, inputs.at(-1)!];
    return this.#file(path, {
      kind: 'segment',
      from: first.from,
      to: last.to,
      names,
      walTo: last.walTo,
    });
  }

  /** Knows names, not traces: nothing of the file is left out. */
  async rewrite(input: DataFile, path: string): Promise<DataFile | undefined> {
    this.calls.push('rewrite');
    await this.#answer();
    const { kind, from, to, walTo } = input;
    const names = this.contents.get(input.path) ?? [];
    return this.#file(path, { kind, from, to, names, walTo });
  }

  close(): Promise<void> {
    this.calls.push('close');
    return Promise.resolve();
  }

  #of(tenant: string): Rows[] {
    const known = this.#rows.get(tenant);
    if (known !== undefined) return known;
    const rows: Rows[] = [];
    this.#rows.set(tenant, rows);
    return rows;
  }

  async reindex(): Promise<undefined> {
    await this.#answer();
  }

  async #answer(): Promise<void> {
    await this.gate;
    await new Promise((resolve) => setImmediate(resolve));
    if (this.failWith !== undefined) throw this.failWith;
  }

  #file(path: string, told: Told): DataFile {
    writeFileSync(path, '');
    writeFileSync(indexPathOf(path), '');
    const { kind, from, to, names, walTo } = told;
    this.contents.set(path, names);
    const header = { rows: names.length, writtenAtMs: this.writtenAtMs, walTo };
    return {
      path,
      kind,
      from,
      to,
      rows: names.length,
      rowGroups: 1 + to - from,
      bytes: this.bytesPerFile,
      minStartNano: 0n,
      maxStartNano: 0n,
      walTo,
      columns: [],
      index: { header, traceCount: names.length } as unknown as SegmentIndex,
    };
  }
}

interface Told extends Pick<DataFile, 'kind' | 'from' | 'to' | 'walTo'> {
  readonly names: readonly string[];
}

function namesOf(rows: readonly Rows[]): string[] {
  return rows.flatMap(({ batch }) =>
    Array.from(batch.spans.columns.names, (id) => batch.strings.text(id)),
  );
}
