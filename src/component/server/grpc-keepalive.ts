/** How long a connection lives: idle ones and old ones are told goodbye, silent ones are asked
 *  whether they are still there, and clients that ask too often are sent away, as gRPC servers do. */
import { constants, type ServerHttp2Session } from 'node:http2';
import type { Clock, Timer } from '../../lib/clock.ts';
import type { KeepaliveConfig } from './config.ts';

/** Pings that come too early, until the client is sent away. */
const STRIKES_MAX = 2;
/** Where ping times are counted from when no call is under way and that is not permitted. */
const IDLE_PING_MS = 2 * 60 * 60 * 1000;

export function keepSession(
  session: ServerHttp2Session,
  { server_parameters: parameters, enforcement_policy: policy }: KeepaliveConfig,
  clock: Clock,
): void {
  const timers: Timer[] = [];
  session.once('close', () => {
    for (const timer of timers) timer.cancel();
  });
  limitAge(session, parameters, (delayMs, task) => timers.push(clock.after(delayMs, task)));
  if (parameters.time > 0) timers.push(askWhenSilent(session, parameters, clock));
  limitIdle(session, parameters.max_connection_idle, clock);
  if (policy !== undefined) enforce(session, policy, clock);
}

type Parameters = KeepaliveConfig['server_parameters'];
type Policy = NonNullable<KeepaliveConfig['enforcement_policy']>;

function limitAge(
  session: ServerHttp2Session,
  { max_connection_age: age, max_connection_age_grace: grace }: Parameters,
  after: (delayMs: number, task: () => void) => void,
): void {
  if (age === 0) return;
  after(age, () => session.close());
  if (grace > 0) after(age + grace, () => session.destroy());
}

function askWhenSilent(
  session: ServerHttp2Session,
  { time, timeout }: Parameters,
  clock: Clock,
): Timer {
  let heardBytes = -1;
  return clock.every(time, () => {
    // Its socket is gone before `close` says so: a peer may keep it half open for long.
    if (session.destroyed) return;
    const { bytesRead } = session.socket;
    const isSilent = bytesRead === heardBytes;
    heardBytes = bytesRead;
    if (!isSilent) return;
    const late = clock.after(timeout, () => session.destroy());
    session.ping(() => late.cancel());
  });
}

/** Idle = no stream open. */
function limitIdle(session: ServerHttp2Session, idleMs: number, clock: Clock): void {
  if (idleMs === 0) return;
  let open = 0;
  let timer = clock.after(idleMs, () => session.close());
  session.on('stream', (stream) => {
    open += 1;
    timer.cancel();
    stream.once('close', () => {
      open -= 1;
      if (open === 0 && !session.closed) timer = clock.after(idleMs, () => session.close());
    });
  });
  session.once('close', () => timer.cancel());
}

function enforce(session: ServerHttp2Session, policy: Policy, clock: Clock): void {
  let open = 0;
  let strikes = 0;
  let lastMs = -Infinity;
  session.on('stream', (stream) => {
    open += 1;
    strikes = 0;
    stream.once('close', () => (open -= 1));
  });
  session.on('ping', () => {
    const now = clock.monotonicMs();
    const isFree = open > 0 || policy.permit_without_stream;
    const leastMs = isFree ? policy.min_time : IDLE_PING_MS;
    if (now - lastMs < leastMs) strikes += 1;
    lastMs = now;
    if (strikes <= STRIKES_MAX) return;
    const reason = Buffer.from('too_many_pings');
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, reason);
    session.close();
  });
}
