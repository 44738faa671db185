import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import {
  clientAuthentication,
  serverAuthentication,
  type OutgoingHeaders,
} from '../../component/auth/authenticator.ts';
import { testContext } from '../../component/testbed.ts';
import { decode } from '../../config/decode.ts';
import { redacted } from '../../config/redact.ts';
import { component } from './extension.ts';

const never = new AbortController().signal;
const stops: (() => Promise<void> | undefined)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function started(input: object) {
  const { value, problems } = decode(component.config, input);
  expect(problems).toEqual([]);
  const context = testContext(value, 'bearertokenauth/x');
  const extension = component.create(context);
  await extension.start?.(never);
  stops.push(() => extension.stop?.(never));
  const sent = async () => {
    const headers: OutgoingHeaders = {};
    await context.host
      .find(clientAuthentication, 'bearertokenauth/x')
      ?.authorize(headers, undefined);
    return headers;
  };
  const server = context.host.find(serverAuthentication, 'bearertokenauth/x');
  return { context, sent, server };
}

test('any of the tokens is let in, the first is sent', async () => {
  const { server, sent } = await started({ tokens: ['one', 'two'] });
  expect(await server?.authenticate({ authorization: 'Bearer two' })).toEqual(new Map());
  expect(await sent()).toEqual({ authorization: 'Bearer one' });
  for (const authorization of ['Bearer three', 'bearer one', 'one', '', undefined]) {
    const refusal = server?.authenticate({ authorization });
    await expect(refusal).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(refusal).rejects.not.toThrow('three');
  }
});

test('header and scheme are as configured', async () => {
  const { server, sent } = await started({ header: 'X-Api-Key', scheme: '', token: 'key' });
  await server?.authenticate({ 'x-api-key': 'key' });
  expect(await sent()).toEqual({ 'x-api-key': 'key' });
});

test('a file is read again when it changes, an empty one changes nothing', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-bearer-'));
  stops.push(async () => rmSync(directory, { recursive: true, force: true }));
  const filename = join(directory, 'tokens');
  writeFileSync(filename, 'one\n\ntwo\n');
  const { server, sent, context } = await started({ filename });
  await server?.authenticate({ authorization: 'Bearer two' });
  writeFileSync(filename, 'three\n');
  context.clock.advance(5000);
  await vi.waitFor(() => server?.authenticate({ authorization: 'Bearer three' }), 10_000);
  await expect(server?.authenticate({ authorization: 'Bearer one' })).rejects.toThrow('token');
  writeFileSync(filename, '\n');
  context.clock.advance(5000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await sent()).toEqual({ authorization: 'Bearer three' });
});

test.for([
  [{}, 'give one of'],
  [{ token: 'a', tokens: ['b'] }, 'give one of'],
  [{ token: '' }, 'empty'],
  [{ tokens: [] }, 'empty'],
  [{ tokens: ['a', 'b\n'] }, 'the end of a line'],
] as const)('%j is refused', ([input, message]) => {
  const { problems } = decode(component.config, input);
  expect(problems.map((problem) => problem.message).join()).toContain(message);
});

test('tokens are not shown', () => {
  expect(redacted(component.config, { token: 'a', tokens: ['b'] })).toEqual({
    token: '[REDACTED]',
    tokens: ['[REDACTED]'],
  });
});
