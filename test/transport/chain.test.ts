/** Two Spoors in a row, over gRPC and over HTTP at once: mutual TLS, a token, and the tenant that
 *  the first client named arrives at the end, apart from the others. */
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { Authority, hasOpenssl, needsOpenssl } from '../../src/component/tls/authority.fixture.ts';
import { batchOf } from '../../src/model/trace/span.ts';
import { startReceiver } from '../../src/receivers/otlp/receiver.fixture.ts';
import { encodeTraces } from '../../src/wire/otlp-proto/encode.ts';
import { SpoorProcess } from '../cli/spoor-process.ts';
import { eventually, spansOfTrace, SPANS_PER_TRACE } from '../pipeline/traffic.ts';

const fixture = (name: string) =>
  fileURLToPath(new URL(`../fixtures/pipeline/${name}.yaml`, import.meta.url));
const never = new AbortController().signal;
const TENANTS = ['blue', 'red'];

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function run(name: string, env: Record<string, string>): SpoorProcess {
  const process = new SpoorProcess(['--config', fixture(name)], env);
  closing.push(async () => process.end());
  return process;
}

const portOf = (address: string): string => /:(\d+)$/.exec(address)?.[1] ?? '';

test.skipIf(!hasOpenssl)(
  `what a client sent arrives through agent and gateway, its tenant with it${needsOpenssl}`,
  async () => {
    const authority = new Authority();
    closing.push(() => authority.remove());
    for (const name of ['agent', 'gateway']) authority.issue(name);
    const sink = await startReceiver({ http: { include_metadata: true } });
    closing.push(async () => sink.receiver.stop?.(never));
    const env = { DIR: authority.directory, TOKEN: 'opensesame' };
    const gateway = run('gateway', { ...env, SINK: sink.http });
    const agent = run('agent-to-gateway', {
      ...env,
      GRPC_PORT: portOf(await gateway.address('OTLP/gRPC')),
      HTTP_PORT: portOf(await gateway.address('OTLP/HTTP')),
    });
    const url = `${await agent.address('OTLP/HTTP')}/v1/traces`;
    const answers = TENANTS.map(async (tenant, number) => {
      const body = Buffer.from(encodeTraces([batchOf('default', spansOfTrace({ number }))]));
      const headers = { 'content-type': 'application/x-protobuf', 'x-tenant': tenant };
      return (await fetch(url, { method: 'POST', headers, body })).status;
    });
    expect(await Promise.all(answers)).toEqual([200, 200]);
    const arrived = await eventually(
      () => sink.traces.batches,
      (batches) => batches.length >= 2 * TENANTS.length,
    );
    const seen = arrived.map(({ client, count }) => [client?.metadata.get('x-tenant'), count]);
    const expected = TENANTS.flatMap((tenant) => [
      [[tenant], SPANS_PER_TRACE],
      [[tenant], SPANS_PER_TRACE],
    ]);
    expect(seen.toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual(expected);
    // Nobody hands on a token that was not theirs to show.
    expect(arrived.map(({ client }) => client?.metadata.get('authorization'))).toEqual(
      arrived.map(() => undefined),
    );
  },
  120_000,
);
