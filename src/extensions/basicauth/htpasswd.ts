/** The lines of an htpasswd file: bcrypt, SHA-1 (`{SHA}`, `{SSHA}`), Apache's MD5 and plain text.
 *  bcrypt runs on a thread of its own and not on the event loop. Every comparison takes the same
 *  time wherever the difference is. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { apr1 } from './apr1.ts';

/** A check of cost 14 takes about a second: dearer ones would let few strangers occupy us. */
const BCRYPT_COST_MAX = 14;

export interface Entry {
  readonly user: string;
  /** Deliberately slow: worth remembering the outcome. */
  readonly isSlow: boolean;
  matches(password: string): Promise<boolean>;
}

/** The entries by user; the first line of a user counts. @throws with the line's number */
export function parseHtpasswd(text: string): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const at = trimmed.indexOf(':');
    if (at < 1) throw new TypeError(`line ${index + 1} is not user:hash`);
    const user = trimmed.slice(0, at);
    if (entries.has(user)) continue;
    entries.set(user, { user, ...checkOf(trimmed.slice(at + 1), index + 1) });
  }
  if (entries.size === 0) throw new TypeError('there is no user:hash line');
  return entries;
}

type Check = Pick<Entry, 'isSlow' | 'matches'>;

function checkOf(hash: string, line: number): Check {
  const [, cost] = /^\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(hash) ?? [];
  if (cost !== undefined) return bcryptCheck(hash, Number(cost), line);
  if (hash.startsWith('$apr1$')) {
    const [, , salt = ''] = hash.split('$');
    return quick((password) => apr1(password, salt), hash);
  }
  if (hash.startsWith('{SHA}')) {
    return quick((password) => `{SHA}${sha1(Buffer.from(password))}`, hash);
  }
  if (hash.startsWith('{SSHA}')) return saltedSha(hash);
  if (hash.startsWith('$')) {
    throw new TypeError(`line ${line} has an unknown kind of hash: use htpasswd -B (bcrypt)`);
  }
  return quick((password) => password, hash);
}

function bcryptCheck(hash: string, cost: number, line: number): Check {
  if (cost > BCRYPT_COST_MAX) {
    throw new TypeError(
      `line ${line}: bcrypt of cost ${cost} is too slow, at most ${BCRYPT_COST_MAX}`,
    );
  }
  return {
    isSlow: true,
    async matches(password) {
      const { verify } = await import('@node-rs/bcrypt');
      return verify(password, hash);
    },
  };
}

function saltedSha(hash: string): Check {
  const salt = Buffer.from(hash.slice('{SSHA}'.length), 'base64').subarray(20);
  const salted = (password: string) => {
    const digest = createHash('sha1').update(password).update(salt).digest();
    return `{SSHA}${Buffer.concat([digest, salt]).toString('base64')}`;
  };
  return quick(salted, hash);
}

function quick(transform: (password: string) => string, hash: string): Check {
  return {
    isSlow: false,
    matches: async (password) => sameText(transform(password), hash),
  };
}

function sha1(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('base64');
}

/** In a time that tells neither where they differ nor how long they are. */
function sameText(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
