import { expect, test } from 'vitest';
import { clientAuthentication } from '../../component/auth/authenticator.ts';
import { testContext } from '../../component/testbed.ts';
import { decode } from '../../config/decode.ts';
import type { Client } from '../../model/batch/client.ts';
import { component } from './extension.ts';

const never = new AbortController().signal;
const client: Client = {
  address: '',
  metadata: new Map([['x-tenant', ['blue']]]),
  auth: new Map([['username', 'ann']]),
};

async function setterOf(headers: readonly object[], more: object = {}) {
  const { value, problems } = decode(component.config, { headers, ...more });
  expect(problems).toEqual([]);
  const context = testContext(value, 'headers_setter');
  context.host.lend(clientAuthentication, 'first', {
    needsTls: true,
    authorize: async (sent) => void (sent['authorization'] = 'Bearer x'),
  });
  await component.create(context).start?.(never);
  const setter = context.host.find(clientAuthentication, 'headers_setter');
  return async (sent: Record<string, string>, from: Client | 'nobody' = client) => {
    const copy = { ...sent };
    await setter?.authorize(copy, from === 'nobody' ? undefined : from);
    return copy;
  };
}

test.for([
  ['upsert', { a: 'new', b: 'new' }],
  ['insert', { a: 'old', b: 'new' }],
  ['update', { a: 'new' }],
] as const)('%s', async ([action, expected]) => {
  const set = await setterOf(['A', 'B'].map((key) => ({ key, action, value: 'new' })));
  expect(await set({ a: 'old' })).toEqual(expected);
});

test('delete removes', async () => {
  const set = await setterOf([{ key: 'A', action: 'delete' }]);
  expect(await set({ a: 'old', b: 'old' })).toEqual({ b: 'old' });
});

test('values come from the request and from who was authenticated', async () => {
  const set = await setterOf([
    { key: 'tenant', from_context: 'X-Tenant' },
    { key: 'user', from_attribute: 'username' },
    { key: 'none', from_context: 'missing' },
    { key: 'fallback', from_context: 'missing', default_value: 'red' },
  ]);
  expect(await set({})).toEqual({ tenant: 'blue', user: 'ann', fallback: 'red' });
  expect(await set({}, 'nobody')).toEqual({ fallback: 'red' });
});

test('another authenticator is asked first', async () => {
  const set = await setterOf([{ key: 'a', value: 'b' }], { additional_auth: 'first' });
  expect(await set({})).toEqual({ authorization: 'Bearer x', a: 'b' });
  await expect(setterOf([{ key: 'a', value: 'b' }], { additional_auth: 'nobody' })).rejects.toThrow(
    'nobody',
  );
});

test.for([
  [[{ key: 'a' }], 'give one of'],
  [[{ key: 'a', value: 'b', from_context: 'c' }], 'give one of'],
  [[{ key: 'a', action: 'delete', value: 'b' }], 'delete takes no value'],
  [[], 'expected'],
] as const)('%j is refused', ([headers, message]) => {
  const { problems } = decode(component.config, { headers });
  expect(problems.map((problem) => problem.message).join()).toContain(message);
});
