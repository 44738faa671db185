import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from '@node-rs/bcrypt';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  clientAuthentication,
  serverAuthentication,
  type OutgoingHeaders,
} from '../../component/auth/authenticator.ts';
import { testContext } from '../../component/testbed.ts';
import { decode } from '../../config/decode.ts';
import { apr1 } from './apr1.ts';
import { component } from './extension.ts';
import { parseHtpasswd } from './htpasswd.ts';
import { BasicAuthServer } from './server-side.ts';

const never = new AbortController().signal;
const directory = mkdtempSync(join(tmpdir(), 'spoor-basicauth-'));
const stops: (() => Promise<void> | undefined)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  rmSync(directory, { recursive: true, force: true });
});

const basic = (pair: string) => ({
  authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
});

async function started(input: object) {
  const { value, problems } = decode(component.config, input);
  expect(problems).toEqual([]);
  const context = testContext(value, 'basicauth');
  const extension = component.create(context);
  await extension.start?.(never);
  stops.push(() => extension.stop?.(never));
  return {
    context,
    server: context.host.find(serverAuthentication, 'basicauth'),
    client: context.host.find(clientAuthentication, 'basicauth'),
  };
}

test.for([
  ['myPassword', 'r31.....', '$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/'],
  ['', 'r31.....', '$apr1$r31.....$iQoXxeL5pW.kaXVrniDCU0'],
  ['a much longer password than sixteen 한글', 'abcdefgh', '$apr1$abcdefgh$ELU8wHFc4azQPRCUFdjP/0'],
] as const)('apr1 of "%s" is what Apache and OpenSSL write', ([password, salt, hash]) => {
  expect(apr1(password, salt)).toBe(hash);
});

describe('htpasswd', () => {
  const table = {
    bcrypt: hashSync('secret', 4),
    md5: '$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/',
    sha: '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=',
    ssha: '{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0',
    plain: 'secret',
  };

  test.for(Object.entries(table))('%s', async ([user, hash]) => {
    const { server } = await started({ htpasswd: { inline: `# users\n${user}:${hash}\n` } });
    const found = await server?.authenticate(basic(`${user}:secret`));
    expect(found?.get('username')).toBe(user);
    for (const pair of [`${user}:Secret`, `${user}:`, `other:secret`, `:secret`]) {
      await expect(server?.authenticate(basic(pair))).rejects.toMatchObject({
        code: 'unauthenticated',
        message: 'wrong user or password',
      });
    }
  });

  test.for([
    ['$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC'],
    ['{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE='],
    ['$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/'],
  ] as const)('what the htpasswd tool wrote is read: %s', async ([hash]) => {
    const entry = parseHtpasswd(`myName:${hash}`).get('myName');
    expect([await entry?.matches('myPassword'), await entry?.matches('mypassword')]).toEqual([
      true,
      false,
    ]);
  });

  test('no header, another scheme and nonsense are refused without saying what came', async () => {
    const { server } = await started({ htpasswd: { inline: 'ann:secret' } });
    for (const authorization of [undefined, 'Bearer x', 'Basic', 'Basic !!', 'Basic YQ==']) {
      const refusal = server?.authenticate({ authorization });
      await expect(refusal).rejects.toMatchObject({ code: 'unauthenticated' });
      await expect(refusal).rejects.not.toThrow('YQ==');
    }
  });

  test.for([
    ['ann', 'line 1 is not user:hash'],
    ['', 'there is no user:hash line'],
    ['ann:$6$x$y', 'unknown kind of hash'],
    [`ann:$2y$31$${'a'.repeat(53)}`, 'too slow'],
  ] as const)('%j is no table', ([text, problem]) => {
    expect(() => parseHtpasswd(text)).toThrow(problem);
  });

  test('inline rules over the file, which is read again when it changes', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'spoor-htpasswd-')), 'users');
    stops.push(async () => rmSync(join(file, '..'), { recursive: true, force: true }));
    writeFileSync(file, 'ann:file\nbob:file\n');
    const { server, context } = await started({ htpasswd: { file, inline: 'ann:inline' } });
    await server?.authenticate(basic('ann:inline'));
    await server?.authenticate(basic('bob:file'));
    await expect(server?.authenticate(basic('ann:file'))).rejects.toThrow('wrong');
    writeFileSync(file, 'bob:new\n');
    context.clock.advance(5000);
    await vi.waitFor(() => server?.authenticate(basic('bob:new')), 10_000);
    // Remembered credentials are forgotten with the old table.
    await expect(server?.authenticate(basic('bob:file'))).rejects.toThrow('wrong');
  });
});

test('a right password is checked slowly once, wrong ones wait in a bounded line', async () => {
  const server = new BasicAuthServer();
  server.load(`ann:${hashSync('secret', 4)}`);
  await server.authenticate(basic('ann:secret'));
  const guesses = Array.from({ length: 100 }, (_, i) => server.authenticate(basic(`ann:${i}`)));
  // Whoever is known does not stand in that line.
  await server.authenticate(basic('ann:secret'));
  const outcomes = await Promise.allSettled(guesses);
  const codes = outcomes.map((one) => (one.status === 'rejected' ? one.reason.code : 'let in'));
  expect(codes.filter((code) => code === 'unauthenticated')).toHaveLength(64);
  expect(codes.filter((code) => code === 'busy')).toHaveLength(36);
  await expect(server.authenticate(basic('ann:x'))).rejects.toMatchObject({
    code: 'unauthenticated',
  });
});

test('a client shows its credential, also from files', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'spoor-password-')), 'password');
  stops.push(async () => rmSync(join(file, '..'), { recursive: true, force: true }));
  writeFileSync(file, 'one\n');
  const { client, context } = await started({
    client_auth: { username: 'ann', password_file: file },
  });
  const shown = async () => {
    const headers: OutgoingHeaders = {};
    await client?.authorize(headers, undefined);
    return headers;
  };
  expect(await shown()).toEqual(basic('ann:one'));
  writeFileSync(file, 'two\n');
  context.clock.advance(5000);
  await vi.waitFor(async () => expect(await shown()).toEqual(basic('ann:two')), 10_000);
});

test.for([
  [{}, 'either htpasswd'],
  [{ htpasswd: {} }, 'give file, inline'],
  [{ client_auth: { username: 'a' } }, 'password or password_file'],
  [{ client_auth: { username: 'a:b', password: 'c' } }, 'colon'],
  [{ htpasswd: { inline: 'a:b' }, client_auth: { username: 'a', password: 'b' } }, 'either'],
] as const)('%j is refused', ([input, message]) => {
  const { problems } = decode(component.config, input);
  expect(problems.map((problem) => problem.message).join()).toContain(message);
});

test('a missing file is told by name', async () => {
  const { value } = decode(component.config, { htpasswd: { file: '/nowhere/users' } });
  const extension = component.create(testContext(value));
  await expect(extension.start?.(never)).rejects.toThrow('/nowhere/users');
});
