import { afterEach, expect, test } from 'vitest';
import type { Lifecycle } from '../../component/lifecycle.ts';
import { testContext } from '../../component/testbed.ts';
import { decode } from '../../config/decode.ts';
import { component } from './extension.ts';

const never = new AbortController().signal;
let running: Lifecycle | undefined;
afterEach(async () => running?.stop?.(never));

async function started(input: object = {}) {
  const { value, problems } = decode(component.config, { endpoint: 'localhost:0', ...input });
  expect(problems).toEqual([]);
  const context = testContext(value);
  const { board } = context.host;
  board.describe('1.2.3', [
    {
      id: 'traces/two',
      components: ['receiver:otlp', 'exporter:debug'],
      acknowledges: 'when <sent>',
    },
  ]);
  board.setPhase('StatusOK');
  board.set('receiver:otlp', 'StatusOK');
  board.set('exporter:debug', 'StatusRecoverableError', '<b>full</b>');
  board.set('extension:jaeger_storage', 'StatusOK');
  running = component.create(context);
  await running.start?.(never);
  return context.host.endpoints[0]?.address ?? '';
}

const text = async (url: string) => {
  const answer = await fetch(url);
  expect(answer.status).toBe(200);
  return answer.text();
};

test('every page of the index is there and says what runs', async () => {
  const url = await started();
  const index = await text(`${url}/`);
  const paths = [...index.matchAll(/href="(\/debug\/\w+)"/g)].map(([, path]) => path);
  expect(paths).toHaveLength(5);
  for (const path of paths) expect(await text(url + path)).toContain('<h1>');
  expect(await text(`${url}/debug/servicez`)).toContain('1.2.3');
  expect(await text(`${url}/debug/extensionz`)).toContain('jaeger_storage');
  expect(await text(`${url}/debug/featurez`)).toContain('service.AllowNoPipelines');
  expect((await fetch(`${url}//`)).status).toBe(404);
});

test('pipelines name their components, and text of others stays text', async () => {
  const url = await started();
  const html = await text(`${url}/debug/pipelinez`);
  expect(html).toContain('traces/two');
  expect(html).toContain('RecoverableError: &lt;b&gt;full&lt;/b&gt;');
  expect(html).toContain('Acknowledged when &lt;sent&gt;.');
});

test('variables are there when asked for, other paths are not', async () => {
  const url = await started({ expvar: { enabled: true } });
  expect(JSON.parse(await text(`${url}/debug/expvarz`))).toMatchObject({ version: '1.2.3' });
  expect((await fetch(`${url}/debug/other`)).status).toBe(404);
  await running?.stop?.(never);
  expect((await fetch(`${await started()}/debug/expvarz`)).status).toBe(404);
});
