/** Buffers that bodies are read into and that serve again once a body has been decoded. A fresh one
 *  for each request would be most of what V8 counts as memory outside its heap, and that count is
 *  what makes it collect: every sixty megabytes, over everything that lives. */

const CLASS_BYTES_MIN = 16 * 1024;
/** Larger bodies are rare: they get a buffer of their own. */
const CLASS_BYTES_MAX = 1024 * 1024;
const KEPT_BYTES_MAX = 4 * 1024 * 1024;

export class BodyBuffers {
  /** By size, a power of two. */
  readonly #free = new Map<number, Buffer[]>();
  #keptBytes = 0;

  /** At least so long, with anything in it. */
  take(length: number): Buffer {
    const size = sizeFor(length);
    const known = this.#free.get(size)?.pop();
    if (known === undefined) return Buffer.allocUnsafeSlow(size);
    this.#keptBytes -= size;
    return known;
  }

  /** Of `take`, once only: whoever takes it next writes over it. */
  give(buffer: Buffer): void {
    const size = buffer.length;
    if (size > CLASS_BYTES_MAX || this.#keptBytes + size > KEPT_BYTES_MAX) return;
    const free = this.#free.get(size);
    if (free === undefined) this.#free.set(size, [buffer]);
    else free.push(buffer);
    this.#keptBytes += size;
  }

  get keptBytes(): number {
    return this.#keptBytes;
  }
}

function sizeFor(length: number): number {
  if (length > CLASS_BYTES_MAX) return length;
  let size = CLASS_BYTES_MIN;
  while (size < length) size *= 2;
  return size;
}
