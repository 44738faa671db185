/** The audit finds nothing on a server that keeps its word, and finds each way of breaking it: a
 *  proxy between the two forgets, changes and repeats. */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FREE_PORTS, spoor, SpoorProcess } from './spoor-process.ts';

let directory: string;
let server: SpoorProcess;
let intake: string;
let query: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-audit-'));
  server = new SpoorProcess(FREE_PORTS, { SPOOR_DATA_DIR: directory });
  intake = await server.address('OTLP/HTTP');
  query = await server.address('UI and API');
}, 120_000);

afterAll(async () => {
  await server.end();
  rmSync(directory, { recursive: true, force: true });
});

function audit(from: string, to: string) {
  const args = ['audit', '--endpoint', from, '--query', to, '--rate', '40', '--duration', '6s'];
  return spoor(args);
}

test('a server that keeps its word', { timeout: 120_000 }, async () => {
  const { code, stdout, stderr } = await audit(intake, query);
  expect(stdout + stderr).toMatch(/\d+ traces \(\d+ spans\) acknowledged, [1-9]\d* read by id/);
  expect(stdout).toContain('0 missing, 0 altered, 0 duplicated');
  expect(code).toBe(0);
});

type Break = (exchange: {
  path: string;
  body: Buffer;
  count: number;
}) => Promise<Buffer | undefined>;

/** Answers with what `breaks` returns, or as the server does. */
async function proxy(target: () => string, breaks: Break): Promise<Server> {
  let count = 0;
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url ?? '';
    const broken = await breaks({ path, body: Buffer.concat(chunks), count: count++ });
    if (broken !== undefined) return void response.end(broken);
    const answer = await fetch(target() + path, {
      method: request.method ?? 'GET',
      ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
      headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
    });
    response.statusCode = answer.status;
    response.end(Buffer.from(await answer.arrayBuffer()));
  };
  const made = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  made.listen(0, 'localhost');
  await once(made, 'listening');
  return made;
}

function addressOf(made: Server): string {
  const address = made.address();
  return `http://localhost:${typeof address === 'object' ? address?.port : ''}`;
}

test('a server that forgets what it acknowledged', { timeout: 120_000 }, async () => {
  const forgetful = await proxy(
    () => intake,
    async ({ count }) => (count % 9 === 5 ? Buffer.alloc(0) : undefined),
  );
  const { code, stdout } = await audit(addressOf(forgetful), query);
  forgetful.close();
  expect(stdout).toMatch(/^missing by id: trace [0-9a-f]{32}$/m);
  expect(stdout).toContain('0 altered, 0 duplicated');
  expect(code).toBe(1);
});

test('a server that changes and repeats spans', { timeout: 120_000 }, async () => {
  const liar = await proxy(
    () => query,
    async ({ path, count }) => {
      if (!path.startsWith('/api/v3/traces/') || count % 3 === 0) return undefined;
      const answer = await (await fetch(query + path)).text();
      if (count % 3 === 1) return Buffer.from(answer.replaceAll('audit.sparse', 'audit.other'));
      const { result } = JSON.parse(answer);
      result.resourceSpans.push(...result.resourceSpans);
      return Buffer.from(JSON.stringify({ result }));
    },
  );
  const { code, stdout } = await audit(intake, addressOf(liar));
  liar.close();
  expect(stdout).toMatch(/^altered by id/m);
  expect(stdout).toMatch(/^duplicated by id/m);
  expect(stdout).toContain('0 missing');
  expect(code).toBe(1);
});
