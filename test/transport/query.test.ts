/** The query server, its UI and its API, behind TLS and a password. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { afterEach, expect, test } from 'vitest';
import { Authority, hasOpenssl, needsOpenssl } from '../../src/component/tls/authority.fixture.ts';
import { SpoorProcess } from '../cli/spoor-process.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const yaml = (directory: string) => `yaml:
extensions:
  basicauth: { htpasswd: { inline: "ann:secret" } }
  jaeger_storage: { backends: { main: { memory: { max_traces: 1000 } } } }
  jaeger_query:
    storage: { traces: main }
    base_path: /traces
    http:
      endpoint: 127.0.0.1:0
      auth: { authenticator: basicauth }
      response_headers: { strict-transport-security: max-age=60 }
      tls: { cert_file: ${directory}/query.pem, key_file: ${directory}/query.key }
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } }
exporters: { jaeger_storage_exporter: { trace_storage: main } }
service:
  telemetry: { metrics: { level: none } }
  extensions: [basicauth, jaeger_storage, jaeger_query]
  pipelines: { traces: { receivers: [otlp], exporters: [jaeger_storage_exporter] } }
`;

test.skipIf(!hasOpenssl)(
  `the API answers over TLS to those who know the password${needsOpenssl}`,
  async () => {
    const authority = new Authority();
    closing.push(() => authority.remove());
    authority.issue('query');
    const process = new SpoorProcess(['--config', yaml(authority.directory)]);
    closing.push(async () => process.end());
    const url = await process.address('UI and API');
    expect(url).toMatch(/^https:\/\/.*\/traces$/);
    const ask = (auth: string | undefined) =>
      new Promise<unknown[]>((resolve, reject) => {
        const ca = readFileSync(authority.ca);
        const options = { ca, servername: 'localhost', ...(auth === undefined ? {} : { auth }) };
        request(`${url}/api/services`, options, (response) => {
          response.resume();
          const { 'www-authenticate': challenge, 'strict-transport-security': transport } =
            response.headers;
          resolve([response.statusCode, challenge?.split(' ')[0], transport]);
        })
          .once('error', reject)
          .end();
      });
    expect(await ask('ann:secret')).toEqual([200, undefined, 'max-age=60']);
    expect(await ask('ann:guess')).toEqual([401, 'Basic', 'max-age=60']);
    expect(await ask(undefined)).toEqual([401, 'Basic', 'max-age=60']);
  },
  120_000,
);
