/** Does a step have to run again? Yes when the content of what it reads has changed since. Content
 *  rather than time: a checkout or a branch switch touches times, not content. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './problem.mjs';

const ignored = new Set(['node_modules', 'dist', 'test-results']);
const base = fileURLToPath(root);

function* filesUnder(path) {
  const entries = readdirSync(path, { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (ignored.has(entry.name) || entry.name.startsWith('dist.')) continue;
    const file = join(path, entry.name);
    if (entry.isDirectory()) yield* filesUnder(file);
    else if (!/\.test\.tsx?$/.test(entry.name)) yield file;
  }
}

function add(hash, file) {
  hash
    .update(`${relative(base, file)}\0`)
    .update(readFileSync(file))
    .update('\0');
}

/** One hash over the named files and folders of the repository; what is not there counts as such. */
export function contentHash(paths) {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}\0`);
  for (const path of paths) {
    const full = join(base, path);
    if (!existsSync(full)) hash.update(`${path} is not there\0`);
    else if (path.endsWith('/')) for (const file of filesUnder(full)) add(hash, file);
    else add(hash, full);
  }
  return hash.digest('hex');
}

const stampFile = (step) => join(base, 'node_modules', '.spoor', step);

export function isStamped(step, hash) {
  try {
    return readFileSync(stampFile(step), 'utf8') === hash;
  } catch {
    return false;
  }
}

export function stamp(step, hash) {
  mkdirSync(join(base, 'node_modules', '.spoor'), { recursive: true });
  writeFileSync(stampFile(step), hash);
}
