/** What made-up spans say: the attributes that today's instrumentations write, with values drawn
 *  as they are in traffic: a few often, many seldom, some only once. */

import type { Random } from './random.ts';
import type { Service } from './shop.ts';
import type { Attributes, SpanFields, Value } from './span-writer.ts';

/** What is the same for all spans of a trace. */
export interface Visit {
  readonly userId: string;
  readonly sessionId: string;
  readonly productId: string;
  readonly userAgent: string;
  readonly clientAddress: string;
}

const USERS = 50_000;
const PRODUCTS = 2000;
const BROWSERS = 60;

type Entry = readonly [key: string, value: Value];

export function visitOf(random: Random): Visit {
  const browser = random.skewed(BROWSERS);
  return {
    userId: `user-${random.skewed(USERS)}`,
    sessionId: random.uuid(),
    productId: `P${String(random.skewed(PRODUCTS)).padStart(5, '0')}`,
    userAgent: `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/${100 + browser}.0.0.0 Safari/537.36`,
    clientAddress: address(random),
  };
}

interface Served {
  readonly service: Service;
  readonly method: string;
  readonly visit: Visit;
}

export function serverAttributes(random: Random, served: Served): Attributes {
  const isHttp = served.service.rpc === 'http';
  return isHttp ? httpServer(random, served) : rpcServer(random, served);
}

function httpServer(random: Random, { visit, method }: Served): Attributes {
  const [verb = 'GET', path = '/'] = method.split(' ');
  return [
    ['http.request.method', verb],
    ['url.scheme', 'https'],
    ['url.path', path.replace('{id}', visit.productId)],
    ...queryOf(random, path, visit),
    ['http.route', path],
    ['http.response.status_code', random.chance(0.01) ? 404 : 200],
    ['server.address', 'shop.example.com'],
    ['server.port', 443],
    ['network.protocol.version', '1.1'],
    ['user_agent.original', visit.userAgent],
    ['client.address', visit.clientAddress],
    ...some(random, 0.6, ['network.peer.address', address(random)]),
    ...some(random, 0.6, ['network.peer.port', random.between(30_000, 60_000)]),
    ...some(random, 0.5, ['session.id', visit.sessionId]),
    ...some(random, 0.5, ['user.id', visit.userId]),
    ...some(random, 0.2, ['http.response.body.size', random.between(200, 90_000)]),
  ];
}

/** What a shop's URLs carry behind the question mark. */
function queryOf(random: Random, path: string, visit: Visit): Entry[] {
  if (path.endsWith('/search')) {
    return [['url.query', `q=${words(random)}&page=${random.skewed(9) + 1}`]];
  }
  return some(random, 0.3, ['url.query', `ref=${random.hex(8)}&sid=${visit.sessionId}`]);
}

const WORDS = ['red', 'lens', 'kit', 'solar', 'filter', 'mount', 'star', 'night', 'moon'] as const;

function words(random: Random): string {
  return Array.from({ length: random.between(1, 3) }, () => random.pick(WORDS)).join('+');
}

function rpcServer(random: Random, { service, method, visit }: Served): Attributes {
  return [
    ['rpc.system', 'grpc'],
    ['rpc.service', service.rpc],
    ['rpc.method', method],
    ['rpc.grpc.status_code', 0],
    ['network.peer.address', address(random)],
    ['network.peer.port', random.between(30_000, 60_000)],
    ['network.type', 'ipv4'],
    ['thread.name', `grpc-default-executor-${random.below(16)}`],
    ...some(random, 0.45, ['app.user.id', visit.userId]),
    ...some(random, 0.5, ['app.session.id', visit.sessionId]),
    ...some(random, 0.6, ['app.request.id', random.uuid()]),
    ...some(random, 0.2, ['app.product.id', visit.productId]),
  ];
}

interface Called {
  readonly callee: Service;
  readonly method: string;
  readonly visit: Visit;
}

export function clientAttributes(random: Random, { callee, method, visit }: Called): Attributes {
  if (callee.rpc === 'http') return httpClient(random, { callee, route: method, visit });
  return [
    ['rpc.system', 'grpc'],
    ['rpc.service', callee.rpc],
    ['rpc.method', method],
    ['rpc.grpc.status_code', 0],
    ['server.address', `${callee.name}.shop.svc.cluster.local`],
    ['server.port', 8080],
    ['network.peer.address', address(random)],
    ['network.peer.port', 8080],
    ...some(random, 0.6, ['app.request.id', random.uuid()]),
    ...some(random, 0.25, ['network.transport', 'tcp']),
    ...some(random, 0.15, ['rpc.message.id', random.between(1, 4)]),
    ...some(random, 0.1, ['app.retry.count', random.below(3)]),
  ];
}

function httpClient(
  random: Random,
  { callee, route, visit }: { callee: Service; route: string; visit: Visit },
): Attributes {
  const [verb = 'GET', path = '/'] = route.split(' ');
  const host = `http://${callee.name}:8080`;
  return [
    ['http.request.method', verb],
    ['url.full', `${host}${path.replace('{id}', visit.productId)}?user=${visit.userId}`],
    ['http.response.status_code', 200],
    ['server.address', `${callee.name}.shop.svc.cluster.local`],
    ['server.port', 8080],
    ['network.protocol.version', '1.1'],
    ['network.peer.address', address(random)],
    ['network.peer.port', 8080],
    ...some(random, 0.5, ['http.request.resend_count', 0]),
  ];
}

/** Some drivers record literals, others what stands for them. */
function queryText(random: Random, system: 'redis' | 'postgresql', visit: Visit): string {
  const quoted = random.chance(0.5) ? `'${visit.productId}'` : '$1';
  if (system === 'redis') {
    return random.pick([
      'GET ?',
      `HGETALL cart:${visit.userId}`,
      `SET session:${visit.sessionId} ? EX ?`,
      'HMSET ? ? ?',
      `EXPIRE cart:${visit.userId} 3600`,
    ]);
  }
  return random.pick([
    `SELECT id, name, price FROM products WHERE id = ${quoted}`,
    `SELECT stock FROM inventory WHERE product_id = ${quoted}`,
    'INSERT INTO orders (id, user_id, total) VALUES ($1, $2, $3)',
    `UPDATE inventory SET stock = stock - ${random.between(1, 9)} WHERE product_id = ${quoted}`,
  ]);
}

/** Its name is that of the query's first word and what it works on. */
export function databaseAttributes(random: Random, system: 'redis' | 'postgresql', visit: Visit) {
  const query = queryText(random, system, visit);
  const [operation = ''] = query.split(' ', 1);
  const attributes: Attributes = [
    ['db.system.name', system],
    ['db.operation.name', operation],
    ['db.query.text', query],
    ['db.namespace', system === 'redis' ? '0' : 'shop'],
    ['server.address', `${system}.shop.svc.cluster.local`],
    ['server.port', system === 'redis' ? 6379 : 5432],
    ['network.peer.address', address(random)],
    ['network.peer.port', system === 'redis' ? 6379 : 5432],
    ...some(random, 0.5, ['db.response.returned_rows', random.skewed(200)]),
    ...some(random, 0.5, ['db.client.connection.pool.name', `${system}-main`]),
    ...some(random, 0.6, ['app.request.id', random.uuid()]),
    ...some(random, 0.3, ['db.collection.name', system === 'redis' ? 'cart' : 'products']),
  ];
  return { operation, attributes };
}

export function internalAttributes(random: Random, visit: Visit) {
  const functionName = `${random.pick(['handle', 'validate'])}Request`;
  const attributes: Attributes = [
    ['code.function.name', functionName],
    ['code.file.path', `/app/src/handlers/${random.below(8)}.ts`],
    ['code.line.number', random.between(10, 400)],
    ['thread.id', random.between(1, 64)],
    ['app.product.id', visit.productId],
    ['app.products.count', random.between(1, 12)],
    ['app.cache.hit', random.chance(0.7)],
    ['app.price', { double: Math.round(random.logNormal(30, 0.7) * 100) / 100 }],
    ...some(random, 0.5, ['app.user.id', visit.userId]),
    ...some(random, 0.3, ['app.currency', random.pick(['EUR', 'USD', 'KRW', 'JPY'])]),
    ...some(random, 0.6, ['app.session.id', visit.sessionId]),
  ];
  return { functionName, attributes };
}

export function messagingAttributes(random: Random, operation: string): Attributes {
  return [
    ['messaging.system', 'kafka'],
    ['messaging.destination.name', 'orders'],
    ['messaging.operation.type', operation],
    ['messaging.message.id', random.uuid()],
    ['messaging.destination.partition.id', String(random.below(12))],
    ['messaging.kafka.offset', random.between(1_000_000, 9_000_000)],
    ['messaging.client.id', `checkout-${random.below(3)}`],
    ['messaging.message.body.size', random.between(300, 4000)],
    ['server.address', 'kafka.shop.svc.cluster.local'],
    ['server.port', 9092],
    ['app.order.id', random.uuid()],
    ...some(random, 0.5, ['messaging.batch.message_count', 1]),
  ];
}

/** One to three small events. */
export function smallEvents(random: Random, startNano: bigint, visit: Visit): SpanFields['events'] {
  return Array.from({ length: random.between(1, 3) }, (_, i) => ({
    timeNano: startNano + BigInt((i + 1) * random.between(10_000, 400_000)),
    name: random.pick(['cache.miss', 'prepared', 'item.added', 'message', 'gc.pause']),
    attributes: [
      ['app.product.id', visit.productId],
      ['app.step', i + 1],
    ],
  }));
}

/** An exception with a stack of 8 to 16 frames. */
export function exceptionEvent(random: Random, timeNano: bigint): SpanFields['events'][number] {
  const frames = Array.from(
    { length: random.between(8, 16) },
    () =>
      `\tat com.example.shop.module${random.below(40)}.Handler.call(Handler.java:${random.between(20, 900)})`,
  );
  return {
    timeNano,
    name: 'exception',
    attributes: [
      ['exception.type', 'java.util.concurrent.TimeoutException'],
      ['exception.message', `no answer within ${random.pick([100, 250, 500])} ms`],
      ['exception.stacktrace', `java.util.concurrent.TimeoutException\n${frames.join('\n')}`],
    ],
  };
}

function some(random: Random, probability: number, entry: Entry): Entry[] {
  return random.chance(probability) ? [entry] : [];
}

function address(random: Random): string {
  return `10.${random.below(4)}.${random.below(256)}.${random.below(256)}`;
}
