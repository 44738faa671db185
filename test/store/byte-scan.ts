/** Looks for bytes in every file of a directory: as they lie there, and in every zstd frame that is
 *  somewhere in a file. It knows nothing of the formats, so it cannot look past something. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';

/** Paths of files in which one of the needles is, each with how many of them. */
export async function filesWith(
  directory: string,
  needles: readonly Uint8Array[],
): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    // A store in use stitches, and then unlinks what went into it.
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    const texts = [bytes, ...framesIn(bytes)];
    const count = needles.filter((needle) =>
      texts.some((text) => text.includes(Buffer.from(needle))),
    ).length;
    if (count > 0) found.set(path, count);
  }
  return found;
}

/** An id as files may hold it: its bytes in both orders, and its hex digits. */
export function formsOf(hex: string): Uint8Array[] {
  const bytes = Buffer.from(hex, 'hex');
  return [bytes, Buffer.from(bytes).reverse(), Buffer.from(hex), Buffer.from(hex.toUpperCase())];
}

const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

function framesIn(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = bytes.indexOf(MAGIC); at >= 0; at = bytes.indexOf(MAGIC, at + 4)) {
    const length = frameLength(bytes, at);
    if (length === undefined) continue;
    try {
      frames.push(zstdDecompressSync(bytes.subarray(at, at + length)));
    } catch {
      // The four bytes stood there by chance.
    }
  }
  return frames;
}

/** RFC 8878: header, blocks up to the last one, perhaps a checksum. */
function frameLength(bytes: Buffer, at: number): number | undefined {
  const descriptor = bytes[at + 4] ?? 0;
  const isSingle = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const idBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  let end = at + 5 + (isSingle ? 0 : 1) + idBytes + sizeBytes;
  for (;;) {
    if (end + 3 > bytes.length) return undefined;
    const header = bytes.readUIntLE(end, 3);
    const isRun = ((header >> 1) & 3) === 1;
    end += 3 + (isRun ? 1 : header >> 3);
    if ((header & 1) === 1) break;
  }
  end += (descriptor & 4) === 0 ? 0 : 4;
  return end > bytes.length ? undefined : end - at;
}
