/** Which columns of which files have been compared with their checksums. The query engine does not
 *  look at them, so a file is verified before it is asked: each column once for as long as the process
 *  runs, when a statement first names it, and all of them when it is their turn (file-rounds.ts).
 *
 *  What is damaged is told to the store, whose next manifest says so; a question that holds an older
 *  one is asked again. */

import type { Clock } from '../../../lib/clock.ts';
import { StorageError } from '../../contract.ts';
import type { DataFile, FileDamage } from '../manifest.ts';
import type { FileVerifier } from '../read/file-reader.ts';
import { quoteName, quoteText } from './sql-builder.ts';

/** What a question has to know of the files it reads. */
export interface PageChecks {
  /** Resolves when what the statement reads of the files is as it was written, but for what `damage`
   *  of each says. Rejects with DamageFound. */
  expectWhole(files: readonly DataFile[], sql: string, signal?: AbortSignal): Promise<void>;
  /** Their pages may have changed: they are verified again. */
  doubt(files: readonly DataFile[]): void;
}

/** More of a file is damaged than the manifest of the question says. */
export class DamageFound extends StorageError {
  constructor() {
    super('unavailable', 'files were found damaged while they were read', { retryable: true });
  }
}

export interface VerifiedFilesDeps {
  readonly verifier: FileVerifier;
  readonly clock: Clock;
  /** For all that a statement reads. What has been verified by then stays so. */
  readonly timeLimitMs: number;
  /** From now on the file has this damage, or none. */
  readonly onDamage: (file: DataFile, damage: FileDamage | undefined) => void;
}

interface Known {
  /** Its footer is verified when there is an entry. */
  readonly columns: Set<string>;
  /** When all of it was, last; absent when it never was. */
  wholeAtMs: number | undefined;
  damage: FileDamage | undefined;
}

export class VerifiedFiles implements PageChecks {
  readonly #deps: VerifiedFilesDeps;
  /** By path: no two files ever have the same while the process runs. */
  readonly #known = new Map<string, Known>();
  readonly #running = new Map<string, Promise<void>>();

  constructor(deps: VerifiedFilesDeps) {
    this.#deps = deps;
  }

  async expectWhole(files: readonly DataFile[], sql: string, signal?: AbortSignal): Promise<void> {
    const { clock, timeLimitMs } = this.#deps;
    const endMs = clock.monotonicMs() + timeLimitMs;
    const names = new NamesIn(sql);
    let isNews = false;
    for (const file of files) {
      if (!sql.includes(quoteText(file.path))) continue;
      for (;;) {
        const columns = this.#missing(file, names);
        if (columns === undefined) break;
        if (clock.monotonicMs() > endMs) throw late(timeLimitMs);
        await this.#once(file, columns, signal);
      }
      const damage = this.#known.get(file.path)?.damage;
      isNews ||= damage !== undefined && damage !== file.damage;
    }
    if (isNews) throw new DamageFound();
  }

  doubt(files: readonly DataFile[]): void {
    for (const { path } of files) {
      const known = this.#known.get(path);
      known?.columns.clear();
      if (known !== undefined) known.wholeAtMs = undefined;
    }
  }

  /** When all of the file was last verified, by the monotonic clock. */
  wholeAtMs({ path }: DataFile): number | undefined {
    return this.#known.get(path)?.wholeAtMs;
  }

  /** Compares all of the file, at a time when nobody else reads. */
  async verifyWhole(file: DataFile, signal?: AbortSignal): Promise<void> {
    const order = { path: file.path, rows: file.rows, isPatient: true };
    const damage = await this.#deps.verifier.verify(order, signal);
    const known = this.#entryOf(file);
    for (const { name } of file.columns) known.columns.add(name);
    known.wholeAtMs = this.#deps.clock.monotonicMs();
    if (!isSame(known.damage, damage)) this.#tell(file, known, damage);
  }

  /** Forgets all other files. */
  retain(files: readonly DataFile[]): void {
    const paths = new Set(files.map(({ path }) => path));
    for (const path of this.#known.keys()) if (!paths.has(path)) this.#known.delete(path);
  }

  /** The columns that the statement names and nobody has verified; undefined when that is nothing. */
  #missing({ path, columns }: DataFile, names: NamesIn): string[] | undefined {
    const known = this.#known.get(path);
    const missing = columns
      .map(({ name }) => name)
      .filter((name) => known?.columns.has(name) !== true && names.has(name));
    // The footer alone is looked at for a statement that names no column.
    return known !== undefined && missing.length === 0 ? undefined : missing;
  }

  /** One at a time a file: who comes second mostly finds nothing left to do. */
  async #once(file: DataFile, columns: string[], signal: AbortSignal | undefined): Promise<void> {
    const running = this.#running.get(file.path);
    if (running !== undefined) return abortable(running, signal);
    const run = this.#verify(file, columns, signal);
    const settled = run.catch(() => {}).finally(() => this.#running.delete(file.path));
    this.#running.set(file.path, settled);
    await run;
  }

  async #verify(file: DataFile, columns: string[], signal: AbortSignal | undefined): Promise<void> {
    const { path, rows } = file;
    const damage = await this.#deps.verifier.verify({ path, rows, columns }, signal);
    const known = this.#entryOf(file);
    for (const name of columns) known.columns.add(name);
    if (damage === undefined) return;
    const all = known.damage === undefined ? damage : union(known.damage, damage);
    if (!isSame(known.damage, all)) this.#tell(file, known, all);
  }

  #entryOf({ path }: DataFile): Known {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const made: Known = { columns: new Set(), wholeAtMs: undefined, damage: undefined };
    this.#known.set(path, made);
    return made;
  }

  #tell(file: DataFile, known: Known, damage: FileDamage | undefined): void {
    known.damage = damage;
    this.#deps.onDamage(file, damage);
  }
}

/** Which columns a statement may read. What it names otherwise, in a text say, is read in vain. */
class NamesIn {
  readonly #sql: string;
  readonly #known = new Map<string, boolean>();

  constructor(sql: string) {
    this.#sql = sql;
  }

  has(column: string): boolean {
    const known = this.#known.get(column);
    if (known !== undefined) return known;
    const quoted = quoteName(column).slice(1, -1);
    const isNamed = this.#sql.includes(column) || this.#sql.includes(quoted);
    this.#known.set(column, isNamed);
    return isNamed;
  }
}

function union(a: FileDamage, b: FileDamage): FileDamage {
  const rows: { from: number; to: number }[] = [];
  for (const { from, to } of [...a.rows, ...b.rows].toSorted((x, y) => x.from - y.from)) {
    const last = rows.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else rows.push({ from, to });
  }
  return { rows, problems: [...new Set([...a.problems, ...b.problems])] };
}

/** Of the same rows: a second page of a row group that is lost anyway is no news. */
function isSame(a: FileDamage | undefined, b: FileDamage | undefined): boolean {
  const told = (damage: FileDamage | undefined) =>
    damage?.rows.map(({ from, to }) => `${from}-${to}`).join();
  return told(a) === told(b);
}

/** The work goes on when the signal fires; only the waiting ends. */
function abortable(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    void work.finally(() => signal.removeEventListener('abort', onAbort)).then(resolve);
  });
}

function late(timeLimitMs: number): StorageError {
  return new StorageError('timeout', `verifying the files took longer than ${timeLimitMs} ms`, {
    retryable: true,
    hint: 'ask again: what has been verified stays so; or narrow the time range',
  });
}
