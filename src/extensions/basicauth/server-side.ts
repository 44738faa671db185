/** Looks at `Authorization: Basic …`. A right credential is remembered (by a keyed digest, never as
 *  it is), so that its slow check happens once; wrong ones are checked one after the other, at most
 *  so many waiting: guessing at full speed occupies one thread and refuses itself. */
import { createHmac, randomBytes } from 'node:crypto';
import {
  AuthError,
  type RequestHeaders,
  type ServerAuthenticator,
} from '../../component/auth/authenticator.ts';
import { LruSet } from '../../lib/lru.ts';
import { parseHtpasswd, type Entry } from './htpasswd.ts';

const REMEMBERED_MAX = 1024;
const WAITING_MAX = 64;

interface Credential {
  readonly user: string;
  readonly password: string;
  /** As it came, without the scheme. */
  readonly raw: string;
}

export class BasicAuthServer implements ServerAuthenticator {
  readonly challenge = 'Basic realm="spoor", charset="UTF-8"';
  readonly #key = randomBytes(32);
  #verified = new LruSet<string>(REMEMBERED_MAX);
  #entries = new Map<string, Entry>();
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** Replaces all users. @throws when a line is no use */
  load(text: string): void {
    this.#entries = parseHtpasswd(text);
    this.#verified = new LruSet(REMEMBERED_MAX);
  }

  async authenticate(headers: RequestHeaders): Promise<ReadonlyMap<string, string>> {
    const credential = credentialIn(headers['authorization']);
    const digest = createHmac('sha256', this.#key).update(credential.raw).digest('base64');
    const verified = this.#verified;
    if (!verified.has(digest)) {
      await this.#check(credential);
      verified.add(digest);
    }
    return new Map([
      ['username', credential.user],
      ['raw', credential.raw],
    ]);
  }

  async #check({ user, password }: Credential): Promise<void> {
    const entry = this.#entries.get(user);
    // An unknown user takes as long as a known one.
    const [stranger] = this.#entries.values();
    const checked = entry ?? stranger;
    if (checked === undefined) throw wrong();
    const isRight = await (checked.isSlow
      ? this.#inTurn(async () => checked.matches(password))
      : checked.matches(password));
    if (!isRight || entry === undefined) throw wrong();
  }

  #inTurn(check: () => Promise<boolean>): Promise<boolean> {
    if (this.#waiting >= WAITING_MAX) {
      throw new AuthError('busy', 'too many passwords are being checked', {
        retryable: true,
        retryAfterMs: 1000,
      });
    }
    this.#waiting += 1;
    const turn = this.#last.then(check, check);
    this.#last = turn.then(
      () => (this.#waiting -= 1),
      () => (this.#waiting -= 1),
    );
    return turn;
  }
}

function credentialIn(header: string | string[] | undefined): Credential {
  const [text] = typeof header === 'string' ? [header] : (header ?? []);
  if (text === undefined) throw new AuthError('unauthenticated', 'no authorization header');
  const raw = /^basic +(\S+)$/i.exec(text.trim())?.[1];
  const pair = Buffer.from(raw ?? '', 'base64').toString();
  const at = pair.indexOf(':');
  if (raw === undefined || at < 0) {
    throw new AuthError('unauthenticated', 'the authorization header is not of the form Basic');
  }
  return { user: pair.slice(0, at), password: pair.slice(at + 1), raw };
}

function wrong(): AuthError {
  return new AuthError('unauthenticated', 'wrong user or password');
}
