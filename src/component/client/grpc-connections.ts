/** The HTTP/2 sessions to a gRPC peer: one an address, opened when first needed, given up when the
 *  peer says goodbye or falls silent. The addresses of a name take turns; one that cannot be reached
 *  is passed over for a while. The name is looked up again whenever a session ends. */
import { lookup } from 'node:dns/promises';
import {
  connect as connectHttp2,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { messageOf, systemCodeOf } from '../../lib/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { GrpcClientConfig } from './config.ts';
import { PeerError } from './error.ts';

const CONNECT_MS_MAX = 20_000;
/** An address that refused is not asked again so soon while there are others. */
const PASSED_OVER_MS = 1000;

export interface GrpcPeer {
  /** `host:port` or `unix:/path`. */
  readonly address: string;
  /** Undefined = plain text; asked for every connection, since certificates are renewed. */
  tls(): ConnectionOptions | undefined;
  readonly config: Pick<GrpcClientConfig, 'balancer_name' | 'keepalive'>;
  readonly clock: Clock;
}

interface Place {
  readonly host: string;
  readonly port: number;
}

export class GrpcConnections {
  readonly #peer: GrpcPeer;
  readonly #sessions = new Map<string, Promise<ClientHttp2Session>>();
  /** How many calls are under way on each session there is. */
  readonly #open = new Map<ClientHttp2Session, number>();
  readonly #passedOverUntil = new Map<string, number>();
  #hosts: Promise<readonly string[]> | undefined;
  #turn = 0;
  #isClosed = false;

  constructor(peer: GrpcPeer) {
    this.#peer = peer;
  }

  /** Begins a call on a session that is ready. @throws PeerError `unreachable` */
  async request(headers: OutgoingHttpHeaders): Promise<ClientHttp2Stream> {
    const session = await this.#session();
    try {
      const stream = session.request(headers);
      this.#count(session, 1);
      stream.once('close', () => this.#count(session, -1));
      return stream;
    } catch (cause) {
      // It ended between being chosen and being used.
      throw this.#unreachable(cause);
    }
  }

  #count(session: ClientHttp2Session, change: number): void {
    const count = this.#open.get(session);
    if (count !== undefined) this.#open.set(session, count + change);
  }

  async #session(): Promise<ClientHttp2Session> {
    const hosts = await this.#resolved();
    let failure: unknown;
    for (const host of this.#inTurn(hosts)) {
      try {
        return await this.#sessionTo(host);
      } catch (error) {
        failure = error;
        this.#passedOverUntil.set(host, this.#peer.clock.monotonicMs() + PASSED_OVER_MS);
      }
    }
    this.#hosts = undefined;
    throw this.#unreachable(failure);
  }

  close(): void {
    this.#isClosed = true;
    for (const session of this.#open.keys()) {
      if (session.connecting) session.destroy();
      else session.close();
    }
  }

  async #resolved(): Promise<readonly string[]> {
    this.#hosts ??= this.#lookUp();
    try {
      return await this.#hosts;
    } catch (error) {
      this.#hosts = undefined;
      throw this.#unreachable(error);
    }
  }

  async #lookUp(): Promise<readonly string[]> {
    const { address } = this.#peer;
    if (address.startsWith('unix:')) return [address];
    const { host } = placeOf(address);
    if (isIP(host) > 0) return [host];
    const found = await lookup(host, { all: true });
    return found.map((entry) => entry.address);
  }

  /** Those to be passed over come last. */
  #inTurn(hosts: readonly string[]): string[] {
    const first = this.#peer.config.balancer_name === 'pick_first' ? 0 : this.#turn++;
    const rotated = hosts.map((_, index) => hosts[(first + index) % hosts.length] ?? '');
    const now = this.#peer.clock.monotonicMs();
    const isPassedOver = (host: string) => (this.#passedOverUntil.get(host) ?? 0) > now;
    return rotated.toSorted((a, b) => Number(isPassedOver(a)) - Number(isPassedOver(b)));
  }

  #sessionTo(host: string): Promise<ClientHttp2Session> {
    const known = this.#sessions.get(host);
    if (known) return known;
    const made = this.#connect(host);
    this.#sessions.set(host, made);
    const forget = () => {
      if (this.#sessions.get(host) === made) this.#sessions.delete(host);
    };
    made.then((session) => {
      if (session.destroyed || session.closed) forget();
      // Calls under way end in peace; new ones go elsewhere.
      session.once('goaway', forget);
      session.once('close', () => {
        forget();
        this.#hosts = undefined;
      });
    }, forget);
    return made;
  }

  #connect(host: string): Promise<ClientHttp2Session> {
    const { clock } = this.#peer;
    return new Promise((resolve, reject) => {
      const session = connectHttp2(this.#url(), { createConnection: () => this.#socketTo(host) });
      const timer = clock.after(CONNECT_MS_MAX, () => {
        session.destroy(new Error(`no connection in ${CONNECT_MS_MAX / 1000} s`));
      });
      this.#open.set(session, 0);
      session.on('error', reject);
      session.once('close', () => {
        timer.cancel();
        this.#open.delete(session);
        reject(new Error('the connection was closed'));
      });
      session.once('connect', () => {
        timer.cancel();
        this.#askWhenSilent(session);
        if (this.#isClosed) session.destroy();
        resolve(session);
      });
    });
  }

  #askWhenSilent(session: ClientHttp2Session): void {
    const { clock, config } = this.#peer;
    const { keepalive } = config;
    if (keepalive === undefined || keepalive.time === 0) return;
    const timer = clock.every(keepalive.time, () => {
      const isIdle = this.#open.get(session) === 0;
      if (session.destroyed || (isIdle && !keepalive.permit_without_stream)) return;
      const late = clock.after(keepalive.timeout, () => {
        session.destroy(new Error('the server no longer answers'));
      });
      session.ping(() => late.cancel());
    });
    session.once('close', () => timer.cancel());
  }

  #url(): string {
    return this.#peer.tls() === undefined ? 'http://peer' : 'https://peer';
  }

  #socketTo(host: string): Socket {
    const { address } = this.#peer;
    const tls = this.#peer.tls();
    if (address.startsWith('unix:')) {
      const path = address.slice('unix:'.length);
      return tls === undefined
        ? connectPlain({ path })
        : connectTls({ servername: 'localhost', ...tls, path, ALPNProtocols: ['h2'] });
    }
    const { host: name, port } = placeOf(address);
    const place = { host, port, noDelay: true };
    if (tls === undefined) return connectPlain(place);
    const servername = isIP(name) > 0 ? {} : { servername: name };
    return connectTls({ ...servername, ...tls, ...place, ALPNProtocols: ['h2'] });
  }

  #unreachable(cause: unknown): PeerError {
    const { address } = this.#peer;
    const why =
      systemCodeOf(cause) === 'ENOTFOUND'
        ? `${placeOf(address).host} cannot be resolved`
        : messageOf(cause);
    return new PeerError('unreachable', `cannot send to ${address}: ${why}`, {
      retryable: true,
      cause,
    });
  }
}

function placeOf(address: string): Place {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at).replaceAll(/[[\]]/g, '');
  return { host, port: Number(address.slice(at + 1)) };
}
