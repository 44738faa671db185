/** Who may speak to whom: real handshakes and real credentials on the servers and clients that
 *  carry data, in one process. */
import { copyFileSync, readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import {
  clientAuthentication,
  serverAuthentication,
} from '../../src/component/auth/authenticator.ts';
import type { ExporterDefinition, ExtensionDefinition } from '../../src/component/define.ts';
import type { Host } from '../../src/component/host.ts';
import { Authority, hasOpenssl, needsOpenssl } from '../../src/component/tls/authority.fixture.ts';
import { decode } from '../../src/config/decode.ts';
import { component as otlpGrpc } from '../../src/exporters/otlp-grpc/exporter.ts';
import { component as otlpHttp } from '../../src/exporters/otlp-http/exporter.ts';
import { component as prometheus } from '../../src/exporters/prometheus/exporter.ts';
import { component as basicauth } from '../../src/extensions/basicauth/extension.ts';
import { component as bearertokenauth } from '../../src/extensions/bearertokenauth/extension.ts';
import { component as healthcheck } from '../../src/extensions/healthcheckv2/extension.ts';
import { batchOf } from '../../src/model/trace/span.ts';
import { component as otlpReceiver } from '../../src/receivers/otlp/receiver.ts';
import { RecordingConsumer, testContext } from '../../src/component/testbed.ts';
import { SPANS } from '../../src/receivers/otlp/receiver.fixture.ts';

const never = new AbortController().signal;
const batch = batchOf('default', SPANS);
const closing: (() => Promise<unknown> | undefined)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map(async (close) => close()));
});

/** Extensions of every kind, lent by their types. */
const extensions: readonly (readonly [string, ExtensionDefinition, object])[] = [
  ['basicauth', basicauth, { htpasswd: { inline: 'ann:secret' } }],
  ['basicauth/ann', basicauth, { client_auth: { username: 'ann', password: 'secret' } }],
  ['basicauth/eve', basicauth, { client_auth: { username: 'eve', password: 'guess' } }],
  ['bearertokenauth', bearertokenauth, { token: 'opensesame' }],
  ['bearertokenauth/wrong', bearertokenauth, { token: 'closesesame' }],
];

async function lend(host: Host): Promise<void> {
  for (const [id, definition, settings] of extensions) {
    const { value } = decode(definition.config, settings);
    const extension = definition.create({ ...testContext(value, id), host });
    await extension.start?.(never);
    closing.push(async () => extension.stop?.(never));
  }
}

async function contextOf<C>(schema: Parameters<typeof decode<C>>[0], settings: object) {
  const { value, problems } = decode(schema, settings);
  expect(problems).toEqual([]);
  if (value === undefined) throw new TypeError('no settings');
  const context = testContext(value);
  await lend(context.host);
  return context;
}

async function receiver(more: { grpc?: object; http?: object } = {}) {
  const context = await contextOf(otlpReceiver.config, {
    protocols: {
      grpc: { endpoint: '127.0.0.1:0', ...more.grpc },
      http: { endpoint: '127.0.0.1:0', ...more.http },
    },
  });
  const traces = new RecordingConsumer();
  const made = otlpReceiver.create({ ...context, next: { traces } });
  await made.start?.(never);
  closing.push(async () => made.stop?.(never));
  const [grpc = '', http = ''] = context.host.endpoints.map(({ address }) => address);
  return { traces, grpc, http, clock: context.clock };
}

async function sender(definition: ExporterDefinition, settings: object) {
  const context = await contextOf(definition.config, settings);
  const made = definition.create({ ...context, signal: 'traces' });
  await made.start?.(never);
  closing.push(async () => made.stop?.(never));
  return { send: async () => made.consume(batch, never), clock: context.clock };
}

/** The exporter for a transport, sending to that receiver. */
const transports = [
  ['gRPC', otlpGrpc, ({ grpc }: { grpc: string }) => grpc],
  ['HTTP', otlpHttp, ({ http }: { http: string }) => http],
] as const;

describe.skipIf(!hasOpenssl)(`over TLS${needsOpenssl}`, () => {
  const authority = new Authority();
  const stranger = new Authority('stranger');
  afterAll(() => {
    authority.remove();
    stranger.remove();
  });
  const server = authority.issue('server');
  const client = authority.issue('client');
  const other = stranger.issue('other');
  const asServer = { cert_file: server.cert, key_file: server.key };
  const trusting = { ca_file: authority.ca };

  describe.each(transports)('%s', (_, exporter, addressOf) => {
    const local = (address: string) => address.replace('127.0.0.1', 'localhost');

    test('a server that is trusted is sent to, another is not', async () => {
      const peer = await receiver({ grpc: { tls: asServer }, http: { tls: asServer } });
      const endpoint = local(addressOf(peer));
      await (await sender(exporter, { endpoint, tls: trusting })).send();
      await (await sender(exporter, { endpoint, tls: { insecure_skip_verify: true } })).send();
      expect(peer.traces.batches).toHaveLength(2);
      for (const tls of [{ ca_file: stranger.ca }, {}]) {
        const failure = (await sender(exporter, { endpoint, tls })).send();
        await expect(failure).rejects.toMatchObject({ code: 'unreachable', retryable: true });
      }
      expect(peer.traces.batches).toHaveLength(2);
    });

    test('the name in the certificate counts, unless another is expected', async () => {
      const peer = await receiver({ grpc: { tls: asServer }, http: { tls: asServer } });
      const endpoint = addressOf(peer);
      const named = (name: string) => ({ ...trusting, server_name_override: name });
      await (await sender(exporter, { endpoint, tls: named('spoor.example') })).send();
      const wrong = (await sender(exporter, { endpoint, tls: named('other.example') })).send();
      await expect(wrong).rejects.toMatchObject({ code: 'unreachable' });
    });

    test('a client needs a certificate of the authority where one is asked for', async () => {
      const tls = { ...asServer, client_ca_file: authority.ca };
      const peer = await receiver({ grpc: { tls }, http: { tls } });
      const endpoint = local(addressOf(peer));
      const shown = (pair: { cert: string; key: string }) => ({
        ...trusting,
        cert_file: pair.cert,
        key_file: pair.key,
      });
      await (await sender(exporter, { endpoint, tls: shown(client) })).send();
      for (const refused of [trusting, shown(other)]) {
        const failure = (await sender(exporter, { endpoint, tls: refused })).send();
        await expect(failure).rejects.toMatchObject({ retryable: true });
      }
      expect(peer.traces.batches).toHaveLength(1);
    });

    test('a client that renews its certificate shows the new one', async () => {
      const tls = { ...asServer, client_ca_file: authority.ca };
      const peer = await receiver({ grpc: { tls }, http: { tls } });
      const [cert_file, key_file] = ['live-client.pem', 'live-client.key'].map((name) =>
        join(authority.directory, name),
      );
      const install = (pair: { cert: string; key: string }) => {
        copyFileSync(pair.cert, cert_file ?? '');
        copyFileSync(pair.key, key_file ?? '');
      };
      install(other);
      const made = await sender(exporter, {
        endpoint: local(addressOf(peer)),
        tls: { ...trusting, cert_file, key_file },
      });
      await expect(made.send()).rejects.toMatchObject({ retryable: true });
      install(client);
      await vi.waitFor(async () => {
        made.clock.advance(5000);
        await made.send();
      }, 20_000);
      expect(peer.traces.batches.length).toBeGreaterThan(0);
    });
  });

  test.each(['grpc', 'http'] as const)(
    'a renewed certificate is used by new connections, those there are go on, over %s',
    async (protocol) => {
      const [cert_file, key_file] = [authority.path('live.pem'), authority.path('live.key')];
      const install = (pair: { cert: string; key: string }) => {
        copyFileSync(pair.cert, cert_file);
        copyFileSync(pair.key, key_file);
      };
      install(server);
      const peer = await receiver({ [protocol]: { tls: { cert_file, key_file } } });
      const port = Number(new URL(`x://${peer[protocol].replace(/^https?:\/\//, '')}`).port);
      const settings =
        protocol === 'grpc'
          ? { endpoint: `localhost:${port}`, tls: trusting }
          : { endpoint: `https://localhost:${port}`, tls: trusting, max_conns_per_host: 1 };
      const old = await sender(protocol === 'grpc' ? otlpGrpc : otlpHttp, settings);
      await old.send();
      const before = await subjectAt(port);
      install(authority.issue('renewed'));
      peer.clock.advance(5000);
      await vi.waitFor(async () => expect(await subjectAt(port)).toBe('renewed'), 10_000);
      expect(before).toBe('server');
      await old.send();
      expect(peer.traces.batches).toHaveLength(2);
    },
  );

  /** Whom the server on this port says it is. */
  function subjectAt(port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket: TLSSocket = connect(
        { port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] },
        () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.destroy();
        },
      );
      socket.once('error', reject);
    });
  }

  describe.each([
    ['health checks', 'healthcheckv2'],
    ['scrapes', 'prometheus'],
  ] as const)('%s', (_, kind) => {
    test('are answered over mutual TLS to those who authenticate', async () => {
      const server_ = { endpoint: '127.0.0.1:0', auth: { authenticator: 'basicauth' } };
      const tls = { ...asServer, client_ca_file: authority.ca };
      const url = await started(kind, { ...server_, tls });
      const [ca, cert, key] = [authority.ca, client.cert, client.key].map((path) =>
        readFileSync(path),
      );
      const headers = { authorization: `Basic ${Buffer.from('ann:secret').toString('base64')}` };
      const shown = new Agent({ ca, cert, key, servername: 'localhost' });
      const bare = new Agent({ ca, servername: 'localhost' });
      expect(await statusOf(url, { agent: shown, headers })).toBe(200);
      expect(await statusOf(url, { agent: shown })).toBe(401);
      await expect(statusOf(url, { agent: bare, headers })).rejects.toThrow(/alert|reset|hang/i);
    });
  });

  async function started(kind: 'healthcheckv2' | 'prometheus', http: object): Promise<string> {
    if (kind === 'prometheus') {
      const context = await contextOf(prometheus.config, http);
      const made = prometheus.create({ ...context, signal: 'metrics' });
      await made.start?.(never);
      closing.push(async () => made.stop?.(never));
      return context.host.endpoints[0]?.address ?? '';
    }
    const context = await contextOf(healthcheck.config, { http });
    context.host.board.setPhase('StatusOK');
    const made = healthcheck.create(context);
    await made.start?.(never);
    closing.push(async () => made.stop?.(never));
    return context.host.endpoints[0]?.address ?? '';
  }

  function statusOf(url: string, options: RequestOptions): Promise<number> {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      send(url, options, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .once('error', reject)
        .end();
    });
  }

  test('a secret is not sent in plain text over gRPC', async () => {
    const peer = await receiver();
    const settings = { endpoint: peer.grpc, auth: { authenticator: 'bearertokenauth' } };
    await expect(sender(otlpGrpc, { ...settings, tls: { insecure: true } })).rejects.toThrow(
      'needs TLS',
    );
  });

  describe.each(transports)('%s', (_, exporter, addressOf) => {
    test.each([
      ['basicauth', 'basicauth/ann', 'basicauth/eve'],
      ['bearertokenauth', 'bearertokenauth', 'bearertokenauth/wrong'],
    ])('%s: right, wrong and no credential', async (authenticator, right, wrong) => {
      const auth = { authenticator };
      const peer = await receiver({
        grpc: { tls: asServer, auth },
        http: { tls: asServer, auth },
      });
      const endpoint = addressOf(peer).replace('127.0.0.1', 'localhost');
      const as = (name: string | undefined) =>
        sender(exporter, {
          endpoint,
          tls: trusting,
          ...(name === undefined ? {} : { auth: { authenticator: name } }),
        });
      await (await as(right)).send();
      for (const name of [wrong, undefined]) {
        const refused = (await as(name)).send();
        await expect(refused).rejects.toMatchObject({ code: 'rejected', retryable: false });
        await expect(refused).rejects.toThrow(/401|UNAUTHENTICATED/);
        await expect(refused).rejects.not.toThrow(/sesame|secret/);
      }
      expect(peer.traces.batches).toHaveLength(1);
      expect(peer.traces.batches[0]?.client?.auth.get('username')).toBe(
        authenticator === 'basicauth' ? 'ann' : undefined,
      );
    });
  });
});

test('an authenticator that nobody lends is told at start', async () => {
  const auth = { authenticator: 'oidc' };
  await expect(receiver({ http: { auth } })).rejects.toThrow('no server authenticator "oidc"');
  const { host } = testContext({});
  expect(host.find(serverAuthentication, 'oidc')).toBeUndefined();
  expect(host.find(clientAuthentication, 'oidc')).toBeUndefined();
});
