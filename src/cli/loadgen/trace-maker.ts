/** Makes traces: a tree of calls from the front service down, a client and a server span for each,
 *  and what servers do besides: internal work, database queries, messages. */

import {
  clientAttributes,
  databaseAttributes,
  exceptionEvent,
  internalAttributes,
  messagingAttributes,
  serverAttributes,
  smallEvents,
  type Visit,
  visitOf,
} from './attributes.ts';
import type { Random } from './random.ts';
import { FRONT, PODS, SERVICES, serviceIndex, type Service } from './shop.ts';
import type { SpanFields } from './span-writer.ts';

const DEPTH_MAX = 5;
const INTERNAL = 1;
const SERVER = 2;
const CLIENT = 3;
const PRODUCER = 4;
const CONSUMER = 5;

const ROOT_MEDIAN_NANO = 80e6;
const ROOT_SIGMA = 0.8;

interface Place {
  readonly service: number;
  readonly pod: number;
  readonly parent: Uint8Array | undefined;
  readonly startNano: bigint;
  readonly durationNano: bigint;
  readonly depth: number;
  readonly method: string;
}

type Own = Pick<SpanFields, 'name' | 'kind' | 'attributes'> & Partial<Pick<SpanFields, 'links'>>;

export class TraceMaker {
  readonly #random: Random;
  readonly #emit: (span: SpanFields) => void;
  #traceId = new Uint8Array(16);
  #visit: Visit;

  constructor(random: Random, emit: (span: SpanFields) => void) {
    this.#random = random;
    this.#emit = emit;
    this.#visit = visitOf(random);
  }

  /** Makes one trace whose root starts at `startNano`. */
  make(startNano: bigint): void {
    const random = this.#random;
    this.#traceId = new Uint8Array(16);
    random.bytesInto(this.#traceId);
    this.#visit = visitOf(random);
    const service = serviceIndex(FRONT);
    this.#server({
      service,
      pod: this.#pod(service),
      parent: undefined,
      startNano,
      durationNano: BigInt(Math.round(random.logNormal(ROOT_MEDIAN_NANO, ROOT_SIGMA))),
      depth: 0,
      method: random.pick(serviceAt(service).methods),
    });
  }

  #server(place: Place): void {
    const random = this.#random;
    const service = serviceAt(place.service);
    const { method } = place;
    const spanId = this.#span(place, {
      name: service.rpc === 'http' ? method : `${service.rpc}/${method}`,
      kind: SERVER,
      attributes: serverAttributes(random, { service, method, visit: this.#visit }),
    });
    const inside = { ...place, parent: spanId };
    if (random.chance(0.35)) this.#internal(inside);
    if (service.database !== undefined) this.#queries(inside, service.database);
    if (place.depth < DEPTH_MAX) this.#calls(inside, service);
    if (service.name === 'checkout') this.#messages(inside);
  }

  #calls(place: Place, service: Service): void {
    const random = this.#random;
    if (service.calls.length === 0) return;
    const isFront = service.name === FRONT;
    if (
      !isFront &&
      service.name !== 'frontend' &&
      service.name !== 'checkout' &&
      random.chance(0.45)
    )
      return;
    const wanted = isFront ? 1 : random.between(1, Math.min(4, service.calls.length));
    const first = random.below(service.calls.length);
    for (let i = 0; i < wanted; i++) {
      const name = service.calls[(first + i) % service.calls.length] ?? FRONT;
      this.#call(place, serviceIndex(name), { step: i, of: wanted });
    }
  }

  /** A client span here and the server span over there, inside it. */
  #call(place: Place, callee: number, { step, of }: { step: number; of: number }): void {
    const random = this.#random;
    const service = serviceAt(callee);
    const method = random.pick(service.methods);
    const part = place.durationNano / BigInt(of + 1);
    const startNano = place.startNano + part * BigInt(step) + this.#share(part);
    const name =
      service.rpc === 'http' ? method.split(' ', 1).join('') : `${service.rpc}/${method}`;
    const durationNano = part - this.#share(part / 4n);
    const here = { ...place, startNano, durationNano, method };
    const spanId = this.#span(here, {
      name,
      kind: CLIENT,
      attributes: clientAttributes(random, { callee: service, method, visit: this.#visit }),
    });
    const network = this.#share(part / 10n);
    this.#server({
      service: callee,
      pod: this.#pod(callee),
      parent: spanId,
      startNano: startNano + network,
      durationNano: durationNano - 2n * network,
      depth: place.depth + 1,
      method,
    });
  }

  #internal(place: Place): void {
    for (let n = this.#random.between(1, 2); n > 0; n--) {
      const { functionName, attributes } = internalAttributes(this.#random, this.#visit);
      const name = `${serviceAt(place.service).name}.${functionName}`;
      this.#span(this.#within(place, 2n), { name, kind: INTERNAL, attributes });
    }
  }

  #queries(place: Place, database: 'redis' | 'postgresql'): void {
    for (let n = this.#random.between(1, 2); n > 0; n--) {
      const { operation, attributes } = databaseAttributes(this.#random, database, this.#visit);
      const name = database === 'redis' ? operation : `${operation} shop`;
      this.#span(this.#within(place, 2n), { name, kind: CLIENT, attributes });
    }
  }

  #messages(place: Place): void {
    const random = this.#random;
    const sent = this.#span(this.#within(place, 10n), {
      name: 'orders publish',
      kind: PRODUCER,
      attributes: messagingAttributes(random, 'publish'),
    });
    for (const name of ['accounting', 'fraud-detection']) {
      const service = serviceIndex(name);
      const there = { ...place, service, pod: this.#pod(service), parent: sent };
      this.#span(
        { ...this.#within(there, 2n), startNano: place.startNano + place.durationNano },
        {
          name: 'orders process',
          kind: CONSUMER,
          attributes: messagingAttributes(random, 'process'),
          links: [{ traceId: this.#traceId, spanId: sent }],
        },
      );
    }
  }

  /** A time inside of a place that takes at most `1 / part` of it. */
  #within(place: Place, part: bigint): Place {
    const durationNano = this.#share(place.durationNano / part);
    return {
      ...place,
      startNano: place.startNano + this.#share(place.durationNano - durationNano),
      durationNano,
    };
  }

  /** Some of it, to the nanosecond: clocks are that fine, and nothing happens at once. */
  #share(nano: bigint): bigint {
    return BigInt(Math.floor(Number(nano) * this.#random.next()));
  }

  #span(place: Place, own: Own): Uint8Array {
    const random = this.#random;
    const spanId = new Uint8Array(8);
    random.bytesInto(spanId);
    const endNano = place.startNano + place.durationNano;
    const failed = own.kind === SERVER && random.chance(0.012);
    const events = random.chance(0.1) ? [...smallEvents(random, place.startNano, this.#visit)] : [];
    if (failed) events.push(exceptionEvent(random, endNano));
    this.#emit({
      pod: place.pod,
      traceId: this.#traceId,
      spanId,
      parentSpanId: place.parent,
      startNano: place.startNano,
      endNano,
      isError: failed && random.chance(0.8),
      events,
      links: [],
      ...own,
    });
    return spanId;
  }

  #pod(service: number): number {
    return service * PODS + this.#random.below(PODS);
  }
}

function serviceAt(index: number): Service {
  const service = SERVICES[index];
  if (service === undefined) throw new RangeError(`no service ${index}`);
  return service;
}
