/** A file system that counts its calls and fails when told to. */

import type { FileSystem } from './file-system.ts';

type Call = keyof FileSystem;

export class FailingFileSystem implements FileSystem {
  readonly #real: FileSystem;
  readonly #plan: { call: Call; after: number; error: string }[] = [];
  readonly counts: Partial<Record<Call, number>> = {};
  /** Told of each call before it is made. */
  onCall: (call: Call) => void = () => {};
  /** The most bytes one writev takes. */
  writeBytesMax = Infinity;

  constructor(real: FileSystem) {
    this.#real = real;
  }

  /** The call fails once, after `after` more that do not. */
  failNext(call: Call, error: string, after = 0): void {
    this.#plan.push({ call, after, error });
  }

  open(path: string, flags: 'r' | 'w' | 'wx', mode?: number) {
    return this.#make('open', () => this.#real.open(path, flags, mode));
  }

  writev(fd: number, parts: readonly Uint8Array[], position: number) {
    return this.#make('writev', () => {
      if (this.writeBytesMax === Infinity) return this.#real.writev(fd, parts, position);
      return this.#real.writev(fd, [parts[0]!.subarray(0, this.writeBytesMax)], position);
    });
  }

  datasync(fd: number) {
    return this.#make('datasync', () => this.#real.datasync(fd));
  }

  truncate(fd: number, bytes: number) {
    return this.#make('truncate', () => this.#real.truncate(fd, bytes));
  }

  close(fd: number) {
    return this.#make('close', () => this.#real.close(fd));
  }

  read(path: string) {
    return this.#make('read', () => this.#real.read(path));
  }

  rename(from: string, to: string) {
    return this.#make('rename', () => this.#real.rename(from, to));
  }

  link(from: string, to: string) {
    return this.#make('link', () => this.#real.link(from, to));
  }

  touch(path: string) {
    return this.#make('touch', () => this.#real.touch(path));
  }

  unlink(path: string) {
    return this.#make('unlink', () => this.#real.unlink(path));
  }

  makeDirectory(path: string) {
    return this.#make('makeDirectory', () => this.#real.makeDirectory(path));
  }

  list(path: string) {
    return this.#make('list', () => this.#real.list(path));
  }

  stat(path: string) {
    return this.#make('stat', () => this.#real.stat(path));
  }

  syncDirectory(path: string) {
    return this.#make('syncDirectory', () => this.#real.syncDirectory(path));
  }

  async #make<T>(call: Call, run: () => Promise<T>): Promise<T> {
    this.counts[call] = (this.counts[call] ?? 0) + 1;
    this.onCall(call);
    const due = this.#plan.find((step) => step.call === call);
    if (due !== undefined && due.after-- <= 0) {
      this.#plan.splice(this.#plan.indexOf(due), 1);
      throw Object.assign(new Error(`${due.error}: made to fail, ${call}`), { code: due.error });
    }
    return run();
  }
}
