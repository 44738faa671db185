import { expect, test } from 'vitest';
import { z } from 'zod';
import { componentPage } from './component-page.ts';

const config = z.strictObject({
  endpoint: z.string().describe('Where to listen.'),
  timeout: z
    .string()
    .meta({ examples: ['300ms'] })
    .transform(Number)
    .default(0)
    .describe('Give up after this.'),
  mode: z.enum(['fast', 'safe']).default('safe'),
  tls: z.strictObject({ cert_file: z.string().optional().describe('PEM | file.') }).optional(),
  backends: z.record(z.string(), z.strictObject({ size: z.int().default(3) })).optional(),
});

test('a page tells every key with its value, default and description', () => {
  const summary = 'Receives spans.';
  const component = { type: 'otlp', aliases: ['o'], stability: 'stable', summary, config };
  expect(componentPage('receiver', { ...component, signals: ['traces'] })).toMatchInlineSnapshot(`
    "# receiver \`otlp\`

    Receives spans.

    stable · traces · also written \`o\`

    | key | value | default | |
    |---|---|---|---|
    | \`endpoint\` | string | required | Where to listen. |
    | \`timeout\` | like \`300ms\` |  | Give up after this. |
    | \`mode\` | \`fast\`, \`safe\` | \`safe\` |  |
    | \`tls\` | block |  |  |
    | \`tls.cert_file\` | string |  | PEM \\| file. |
    | \`backends\` | block |  |  |
    | \`backends.<name>.size\` | integer | \`3\` |  |
    "
  `);
});

test('a component without settings says so', () => {
  const component = { type: 'nop', stability: 'stable', summary: 'Nothing.' };
  const page = componentPage('exporter', { ...component, config: z.strictObject({}) });
  expect(page).toContain('It has no settings.');
});
