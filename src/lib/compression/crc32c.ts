/** The CRC of Castagnoli, which Snappy's frames carry. */

const POLYNOMIAL = 0x82f63b78;

/** Four tables: a word of four bytes a step. */
const tables = ((): readonly Uint32Array[] => {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    return crc >>> 0;
  });
  const all = [first];
  for (let i = 1; i < 4; i += 1) {
    const before = all[i - 1]!;
    all.push(Uint32Array.from(before, (crc) => (first[crc & 0xff]! ^ (crc >>> 8)) >>> 0));
  }
  return all;
})();

export function crc32c(bytes: Uint8Array): number {
  const [t0, t1, t2, t3] = [tables[0]!, tables[1]!, tables[2]!, tables[3]!];
  let crc = 0xffffffff;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc = t3[crc & 0xff]! ^ t2[(crc >>> 8) & 0xff]! ^ t1[(crc >>> 16) & 0xff]! ^ t0[crc >>> 24]!;
  }
  for (; at < bytes.length; at += 1) crc = t0[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
