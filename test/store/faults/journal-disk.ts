/** A disk that remembers every call, so that afterwards it can be asked what would have been left if
 *  the power had gone at any of them. It makes the calls on the real file system and keeps apart what
 *  was synced and what was not: of the latter, bytes of a file may be there, missing or cut short,
 *  each write by itself; changes of a directory (names that appeared, vanished or were exchanged) are
 *  there up to some moment, in each directory another one. Which of these happened is drawn by lot.
 *
 *  It also fails: the k-th call, before or after it was made, or half of it. A failed sync forgets
 *  what it should have written, and later ones do not know: as kernels do. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { Chance } from '../../../src/storage/conformance/random-spans.ts';
import { type FileSystem, realFileSystem } from '../../../src/storage/embedded/file-system.ts';

export type Fault = 'before' | 'after' | 'torn';

type Effect =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'write';
      readonly inode: Inode;
      at: number;
      bytes: Uint8Array;
      isLost: boolean;
    }
  | { readonly kind: 'truncate'; readonly inode: Inode; bytes: number; isLost: boolean }
  | { readonly kind: 'sync'; readonly inode: Inode }
  | { readonly kind: 'name'; readonly folder: string; readonly change: Change }
  | { readonly kind: 'syncFolder'; readonly folder: string };

/** Of one directory: names that come with what they name, and names that go. */
interface Change {
  readonly gone: readonly string[];
  readonly come: readonly (readonly [string, Inode | 'folder'])[];
}

interface Inode {
  readonly number: number;
}

interface Entry {
  readonly call: keyof FileSystem;
  readonly path: string;
  effects: Effect[];
  /** How many calls had begun when it returned. */
  doneAt: number;
}

const NOTHING: Effect[] = [];

export class JournalDisk implements FileSystem {
  readonly #root: string;
  readonly #entries: Entry[] = [];
  readonly #names = new Map<string, Inode>();
  readonly #open = new Map<number, { inode: Inode; path: string }>();
  #inodes = 0;
  #fault: { at: number; kind: Fault } | undefined;
  /** The call that was made to fail. */
  failed: string | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** Calls so far. */
  get length(): number {
    return this.#entries.length;
  }

  /** What each call was, for people. */
  told(index: number): string {
    const entry = this.#entries[index];
    return entry === undefined ? 'the end' : `${entry.call} ${relative(this.#root, entry.path)}`;
  }

  failAt(at: number, kind: Fault): void {
    this.#fault = { at, kind };
  }

  async open(path: string, flags: 'r' | 'w' | 'wx', mode?: number): Promise<number> {
    return this.#make('open', path, async (entry) => {
      const isNew = !this.#names.has(path);
      const fd = await realFileSystem.open(path, flags, mode);
      const inode = this.#names.get(path) ?? { number: ++this.#inodes };
      if (flags !== 'r' && isNew) {
        this.#names.set(path, inode);
        entry.effects = [nameEffect(path, { gone: [], come: [[basename(path), inode]] })];
      } else if (flags === 'w') {
        entry.effects = [{ kind: 'truncate', inode, bytes: 0, isLost: false }];
      }
      this.#open.set(fd, { inode, path });
      return fd;
    });
  }

  async writev(fd: number, parts: readonly Uint8Array[], position: number): Promise<number> {
    const { inode, path } = this.#of(fd);
    return this.#make('writev', path, async (entry, isTorn) => {
      const all = Buffer.concat(parts);
      const bytes = isTorn ? all.subarray(0, all.length >> 1) : all;
      const written = await realFileSystem.writev(fd, [bytes], position);
      const kept = bytes.subarray(0, written);
      entry.effects = [{ kind: 'write', inode, at: position, bytes: kept, isLost: false }];
      return written;
    });
  }

  async datasync(fd: number): Promise<void> {
    const { inode, path } = this.#of(fd);
    const isFailing = this.#fault?.at === this.#entries.length;
    const index = this.#entries.length;
    try {
      await this.#make('datasync', path, async (entry) => {
        // The real disk need not be asked: what it holds is taken from the journal.
        entry.effects = [{ kind: 'sync', inode }];
      });
    } catch (error) {
      if (isFailing) this.#forget(inode, index);
      throw error;
    }
  }

  #forget(inode: Inode, before: number): void {
    const synced = this.#lastSync(inode, before);
    for (const { effects } of this.#entries.slice(synced, before)) {
      for (const effect of effects) {
        if ((effect.kind === 'write' || effect.kind === 'truncate') && effect.inode === inode) {
          effect.isLost = true;
        }
      }
    }
    const entry = this.#entries[before];
    if (entry !== undefined) entry.effects = NOTHING;
  }

  #lastSync(inode: Inode, before: number): number {
    return (
      this.#entries
        .slice(0, before)
        .findLastIndex(({ effects, doneAt }) =>
          effects.some((one) => one.kind === 'sync' && one.inode === inode && doneAt <= before),
        ) + 1
    );
  }

  truncate(fd: number, bytes: number): Promise<void> {
    const { inode, path } = this.#of(fd);
    return this.#make('truncate', path, async (entry) => {
      await realFileSystem.truncate(fd, bytes);
      entry.effects = [{ kind: 'truncate', inode, bytes, isLost: false }];
    });
  }

  close(fd: number): Promise<void> {
    return this.#make('close', this.#of(fd).path, async () => {
      this.#open.delete(fd);
      await realFileSystem.close(fd);
    });
  }

  read(path: string): Promise<Uint8Array> {
    return this.#make('read', path, () => realFileSystem.read(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#make('rename', to, async (entry) => {
      await realFileSystem.rename(from, to);
      const inode = this.#names.get(from);
      if (inode === undefined) return;
      this.#names.delete(from);
      this.#names.set(to, inode);
      const change: Change = { gone: [basename(from)], come: [[basename(to), inode]] };
      entry.effects = [nameEffect(to, change)];
    });
  }

  link(from: string, to: string): Promise<void> {
    return this.#make('link', to, async (entry) => {
      await realFileSystem.link(from, to);
      const inode = this.#names.get(from);
      if (inode === undefined) return;
      this.#names.set(to, inode);
      entry.effects = [nameEffect(to, { gone: [], come: [[basename(to), inode]] })];
    });
  }

  unlink(path: string): Promise<void> {
    return this.#make('unlink', path, async (entry) => {
      await realFileSystem.unlink(path);
      if (this.#names.delete(path)) {
        entry.effects = [nameEffect(path, { gone: [basename(path)], come: [] })];
      }
    });
  }

  makeDirectory(path: string): Promise<void> {
    return this.#make('makeDirectory', path, async (entry) => {
      const above: string[] = [];
      for (let one = path; one !== this.#root && one !== dirname(one); one = dirname(one)) {
        if ((await realFileSystem.stat(one)) === undefined) above.unshift(one);
      }
      await realFileSystem.makeDirectory(path);
      entry.effects = above.map((one) =>
        nameEffect(one, { gone: [], come: [[basename(one), 'folder']] }),
      );
    });
  }

  list(path: string): Promise<readonly string[]> {
    return this.#make('list', path, () => realFileSystem.list(path));
  }

  stat(path: string) {
    return this.#make('stat', path, () => realFileSystem.stat(path));
  }

  touch(path: string): Promise<void> {
    return realFileSystem.touch(path);
  }

  syncDirectory(path: string): Promise<void> {
    return this.#make('syncDirectory', path, async (entry) => {
      entry.effects = [{ kind: 'syncFolder', folder: path }];
    });
  }

  /** Writes to `target` what a disk may hold whose power went before call `at`. */
  leave(target: string, at: number, chance: Chance): void {
    const image = new Image(this.#entries.slice(0, at), at, chance);
    this.#writeFolder(target, this.#root, image);
  }

  #writeFolder(target: string, folder: string, image: Image): void {
    mkdirSync(target, { recursive: true });
    for (const [name, what] of image.namesIn(folder)) {
      const path = join(target, name);
      if (what === 'folder') this.#writeFolder(path, join(folder, name), image);
      else writeFileSync(path, image.contentOf(what));
    }
  }

  #of(fd: number): { inode: Inode; path: string } {
    const found = this.#open.get(fd);
    if (found === undefined) throw new Error(`no file is open as ${fd}`);
    return found;
  }

  async #make<T>(
    call: keyof FileSystem,
    path: string,
    run: (entry: Entry, isTorn: boolean) => Promise<T>,
  ): Promise<T> {
    const index = this.#entries.length;
    const entry: Entry = { call, path, effects: NOTHING, doneAt: Infinity };
    this.#entries.push(entry);
    const fault = this.#fault?.at === index ? this.#fault.kind : undefined;
    if (fault !== undefined) this.failed = `${this.told(index)}, ${fault}`;
    const isTorn = fault === 'torn' && call === 'writev';
    try {
      // A descriptor is closed also when closing fails, and one that nobody got does not stay open.
      if (fault === 'before' || (fault !== undefined && call === 'open')) throw broken(call);
      const result = await run(entry, isTorn);
      if (fault !== undefined) throw broken(call);
      return result;
    } finally {
      entry.doneAt = this.#entries.length;
    }
  }
}

function broken(call: string): Error {
  return Object.assign(new Error(`EIO: made to fail, ${call}`), { code: 'EIO' });
}

function nameEffect(path: string, change: Change): Effect {
  return { kind: 'name', folder: dirname(path), change };
}

/** What is left of calls when the power goes. */
class Image {
  readonly #chance: Chance;
  readonly #changes = new Map<string, { change: Change; isSafe: boolean }[]>();
  readonly #contents = new Map<
    Inode,
    { effect: Extract<Effect, { kind: 'write' | 'truncate' }>; isSafe: boolean; doneAt: number }[]
  >();
  readonly #luck: 'none' | 'all' | 'some';

  constructor(entries: readonly Entry[], at: number, chance: Chance) {
    this.#chance = chance;
    this.#luck = chance.of(['none', 'all', 'some', 'some']);
    for (const [index, { effects, doneAt }] of entries.entries()) {
      for (const effect of effects) this.#take(effect, { index, doneAt, at });
    }
  }

  #take(effect: Effect, { doneAt, at }: { index: number; doneAt: number; at: number }): void {
    switch (effect.kind) {
      case 'none':
        return;
      case 'name': {
        const known = this.#changes.get(effect.folder) ?? [];
        this.#changes.set(effect.folder, [...known, { change: effect.change, isSafe: false }]);
        return;
      }
      case 'syncFolder':
        if (doneAt > at) return;
        for (const one of this.#changes.get(effect.folder) ?? []) one.isSafe = true;
        return;
      case 'sync':
        if (doneAt > at) return;
        for (const one of this.#contents.get(effect.inode) ?? []) {
          if (!one.effect.isLost) one.isSafe = true;
        }
        return;
      default: {
        const known = this.#contents.get(effect.inode) ?? [];
        this.#contents.set(effect.inode, [...known, { effect, isSafe: false, doneAt }]);
      }
    }
  }

  namesIn(folder: string): ReadonlyMap<string, Inode | 'folder'> {
    const changes = this.#changes.get(folder) ?? [];
    const safe = changes.findLastIndex(({ isSafe }) => isSafe) + 1;
    const names = new Map<string, Inode | 'folder'>();
    for (const { change } of changes.slice(0, safe + this.#share(changes.length - safe))) {
      for (const name of change.gone) names.delete(name);
      for (const [name, what] of change.come) names.set(name, what);
    }
    return names;
  }

  #share(count: number): number {
    if (this.#luck === 'some') return this.#chance.below(count + 1);
    return this.#luck === 'all' ? count : 0;
  }

  contentOf(inode: Inode): Uint8Array {
    let bytes = Buffer.alloc(0);
    for (const { effect, isSafe } of this.#contents.get(inode) ?? []) {
      const isThere = isSafe || (!effect.isLost && this.#isThere());
      if (!isThere) continue;
      if (effect.kind === 'truncate') {
        bytes = resized(bytes, effect.bytes);
        continue;
      }
      const isCut = !isSafe && this.#luck === 'some' && this.#chance.isHit(0.5);
      const some = isCut
        ? effect.bytes.subarray(0, this.#chance.below(effect.bytes.length + 1))
        : effect.bytes;
      if (effect.at + some.length > bytes.length) bytes = resized(bytes, effect.at + some.length);
      bytes.set(some, effect.at);
    }
    return bytes;
  }

  #isThere(): boolean {
    return this.#luck === 'all' || (this.#luck === 'some' && this.#chance.isHit(0.5));
  }
}

function resized(bytes: Buffer, length: number): Buffer<ArrayBuffer> {
  const out = Buffer.alloc(length);
  out.set(bytes.subarray(0, length));
  return out;
}
