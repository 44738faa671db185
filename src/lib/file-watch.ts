/** Tells when the contents of files have changed. Folders are watched rather than files, because
 *  editors save by renaming another file over the old one, and mounted configuration is exchanged by
 *  turning a link somewhere above. Every sign of life there, and a slow beat for file systems that
 *  give none, makes it read the files again and compare: what is not in them is no change. */
import { createHash } from 'node:crypto';
import { watch, type FSWatcher } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock, Timer } from './clock.ts';

/** How long after a sign of life to look, and to look again. */
const quietMs = 250;

/** How late a change is seen where the system does not tell. */
const beatMs = 15_000;

type Digests = ReadonlyMap<string, string>;

export interface FileWatchOptions {
  readonly clock: Clock;
  readonly onChange: () => void;
}

export class FileWatch {
  readonly #clock: Clock;
  readonly #onChange: () => void;
  readonly #folders = new Map<string, FSWatcher>();
  #digests: Digests = new Map();
  /** A change seen once. */
  #seen: Digests | undefined;
  #quiet: Timer | undefined;
  #beat: Timer | undefined;
  #isClosed = false;

  constructor({ clock, onChange }: FileWatchOptions) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** From now on these files. Their texts are what was read of them, so that a change between then
   *  and now is noticed; undefined for a file that could not be read. */
  async look(texts: ReadonlyMap<string, string | undefined>): Promise<void> {
    this.#digests = new Map([...texts].map(([path, text]) => [path, digestOf(text)]));
    await this.#watchFolders();
    if (this.#isClosed) return;
    this.#beat ??= this.#clock.every(beatMs, () => this.#stirred());
    this.#stirred();
  }

  close(): void {
    this.#isClosed = true;
    this.#quiet?.cancel();
    this.#beat?.cancel();
    for (const folder of this.#folders.values()) folder.close();
    this.#folders.clear();
  }

  async #watchFolders(): Promise<void> {
    const wanted = await foldersOf(this.#digests.keys());
    for (const [path, folder] of this.#folders) {
      if (wanted.has(path)) continue;
      folder.close();
      this.#folders.delete(path);
    }
    for (const path of wanted) if (!this.#isClosed && !this.#folders.has(path)) this.#open(path);
  }

  /** A folder that cannot be watched is left to the beat. */
  #open(path: string): void {
    try {
      const folder = watch(path, { persistent: false }, () => this.#stirred());
      folder.on('error', () => {
        folder.close();
        this.#folders.delete(path);
      });
      this.#folders.set(path, folder);
    } catch {
      this.#folders.delete(path);
    }
  }

  /** A folder may be busy for ever, so a wait that has begun is not begun again. */
  #stirred(): void {
    if (this.#isClosed) return;
    this.#quiet ??= this.#clock.after(quietMs, () => {
      this.#quiet = undefined;
      void this.#compare();
    });
  }

  /** A change counts when it is the same twice: a file may be half written the first time. */
  async #compare(): Promise<void> {
    const before = this.#digests;
    const now = await digestsOf(before.keys());
    if (this.#isClosed || before !== this.#digests) return;
    const seen = this.#seen;
    this.#seen = undefined;
    if (isSame(before, now)) return;
    if (!seen || !isSame(seen, now)) {
      this.#seen = now;
      this.#stirred();
      return;
    }
    this.#digests = now;
    await this.#watchFolders();
    this.#onChange();
  }
}

function isSame(a: Digests, b: Digests): boolean {
  return [...b].every(([path, digest]) => a.get(path) === digest);
}

/** The folder a path is in, and the one its file really lies in. */
async function foldersOf(paths: Iterable<string>): Promise<ReadonlySet<string>> {
  const folders = new Set<string>();
  for (const path of paths) {
    folders.add(dirname(path));
    folders.add(dirname(await realpath(path).catch(() => path)));
  }
  return folders;
}

async function digestsOf(paths: Iterable<string>): Promise<Digests> {
  const digests = new Map<string, string>();
  for (const path of paths) {
    digests.set(path, digestOf(await readFile(path, 'utf8').catch(() => undefined)));
  }
  return digests;
}

function digestOf(text: string | undefined): string {
  return text === undefined ? 'not there' : createHash('sha256').update(text).digest('hex');
}
