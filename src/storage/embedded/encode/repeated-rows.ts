/** How many rows repeat others: spans that came again when nobody remembered them any more, and so were
 *  stored and counted a second time. Found where the identity hashes of flushes meet, when they become
 *  one file: each is counted once, at 0.1 µs a row. A copy in another segment is not found here. */

/** Rows whose hash an earlier one has. */
export function countRepeated(parts: readonly BigUint64Array[]): number {
  const all = new BigUint64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const hashes of parts) {
    all.set(hashes, at);
    at += hashes.length;
  }
  all.sort();
  let repeated = 0;
  for (let i = 1; i < all.length; i++) if (all[i] === all[i - 1]) repeated++;
  return repeated;
}
