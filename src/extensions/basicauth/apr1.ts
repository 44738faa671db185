/** Apache's MD5 form of a password, `$apr1$salt$hash`: a thousand rounds of MD5 in an order that is
 *  what it is for no reason but history. Kept because files with it are still around. */
import { createHash } from 'node:crypto';

const MAGIC = '$apr1$';
const ROUNDS = 1000;
const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Which bytes of the digest make a group of four characters. */
const GROUPS: readonly (readonly number[])[] = [
  [0, 6, 12],
  [1, 7, 13],
  [2, 8, 14],
  [3, 9, 15],
  [4, 10, 5],
  [11],
];

const md5 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** @param salt at most 8 characters count */
export function apr1(password: string, salt: string): string {
  const secret = Buffer.from(password);
  const salted = Buffer.from(salt.slice(0, 8));
  let digest = firstDigest(secret, salted);
  for (let round = 0; round < ROUNDS; round += 1) {
    digest = md5(
      round % 2 === 1 ? secret : digest,
      round % 3 === 0 ? Buffer.alloc(0) : salted,
      round % 7 === 0 ? Buffer.alloc(0) : secret,
      round % 2 === 1 ? digest : secret,
    );
  }
  return `${MAGIC}${salted.toString()}$${written(digest)}`;
}

function firstDigest(secret: Buffer, salt: Buffer): Buffer {
  const mixed = md5(secret, salt, secret);
  const parts = [secret, Buffer.from(MAGIC), salt];
  for (let left = secret.length; left > 0; left -= 16) {
    parts.push(mixed.subarray(0, Math.min(left, 16)));
  }
  for (let bits = secret.length; bits > 0; bits >>= 1) {
    parts.push(bits % 2 === 1 ? Buffer.alloc(1) : secret.subarray(0, 1));
  }
  return md5(...parts);
}

function written(digest: Buffer): string {
  let text = '';
  for (const group of GROUPS) {
    let value = group.reduce((sum, at) => sum * 256 + (digest[at] ?? 0), 0);
    for (let i = 0; i <= group.length; i += 1) {
      text += ALPHABET.charAt(value % 64);
      value = Math.floor(value / 64);
    }
  }
  return text;
}
