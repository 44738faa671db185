/** No string stays untranslated: catalogues hold exactly the messages of the sources, each
 *  translation has its message's placeholders, and no text for people stands in JSX bare. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { getCatalogs } from '@lingui/cli/api';
import { getConfig } from '@lingui/conf';
import { parseSync } from 'vite';
import { expect, test } from 'vitest';

const configPath = fileURLToPath(new URL('../../lingui.config.ts', import.meta.url));
const sources = new URL('../', import.meta.url);

async function loadCatalogue() {
  const [catalogue] = await getCatalogs(getConfig({ configPath }));
  if (catalogue === undefined) throw new Error('no catalogue is configured');
  return catalogue;
}

test('the catalogues hold the messages of the sources, all of them translated', async () => {
  const catalogue = await loadCatalogue();
  const collected = await catalogue.collect();
  const wanted = Object.keys(collected ?? {}).toSorted();
  expect(wanted.length).toBeGreaterThan(100);
  for (const locale of ['en', 'ko']) {
    // oxlint-disable-next-line no-await-in-loop -- two files
    const read = (await catalogue.read(locale)) ?? {};
    const kept = Object.entries(read).filter(([, message]) => message.obsolete !== true);
    expect(kept.map(([id]) => id).toSorted(), `run lingui extract for ${locale}`).toEqual(wanted);
    const empty = kept.filter(([, message]) => !message.translation);
    expect(empty.map(([, message]) => message.message)).toEqual([]);
  }
}, 60_000);

test('translations have the placeholders of their messages', async () => {
  const catalogue = await loadCatalogue();
  const korean = (await catalogue.read('ko')) ?? {};
  const names = (text = '') =>
    [...text.matchAll(/\{(\w+)/g)].map((match) => match[1] ?? '').toSorted();
  const own = (text = '') => names(text.replaceAll(/(?:one|other) \{/g, ''));
  for (const { message, translation } of Object.values(korean)) {
    expect([...new Set(own(translation))], message).toEqual([...new Set(own(message))]);
  }
}, 60_000);

/** Read by people, as attributes or props. */
const SPOKEN = new Set(['aria-label', 'title', 'placeholder', 'alt', 'label', 'aria-valuetext']);
/** Examples of what to type, the same in every language. */
const NOT_WORDS = new Set([
  'Spoor',
  '100ms',
  '1.5s',
  'http.response.status_code=503 user.tier=gold',
]);

test('no text for people stands in JSX without a translation', () => {
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' });
  const bare = files
    .filter((file) => file.endsWith('.tsx'))
    .flatMap((file) => bareTexts(file).map((text) => `${file}: ${text}`));
  expect(bare).toEqual([]);
});

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}

function bareTexts(file: string): string[] {
  const source = readFileSync(new URL(file, sources), 'utf8');
  const found: string[] = [];
  visit(parseSync(file, source).program, found);
  return found.filter((text) => /\p{L}{2}/u.test(text) && !NOT_WORDS.has(text.trim()));
}

function visit(node: unknown, found: string[]): void {
  if (Array.isArray(node)) return node.forEach((one) => visit(one, found));
  if (!isNode(node)) return;
  if (node.type === 'JSXElement' && isTranslated(node)) return;
  if (node.type === 'JSXText') found.push(String(node['value']));
  if (node.type === 'JSXAttribute') collectAttribute(node, found);
  for (const value of Object.values(node)) if (typeof value === 'object') visit(value, found);
}

function isTranslated(node: Node): boolean {
  const opening = node['openingElement'];
  const name = isNode(opening) ? opening['name'] : undefined;
  return isNode(name) && (name['name'] === 'Trans' || name['name'] === 'Plural');
}

function collectAttribute(node: Node, found: string[]): void {
  const { name, value } = node;
  if (!isNode(name) || !SPOKEN.has(String(name['name'])) || !isNode(value)) return;
  if (value.type === 'Literal') found.push(String(value['value']));
}
