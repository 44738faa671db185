import { expect, test } from 'vitest';
import { differences } from './twins.ts';

const original = `# Spoor
See [the map](ARCHITECTURE.md) and \`npm start\`.

## Start
\`\`\`sh
npm start   # runs it
\`\`\`
| port | what |
|---|---|
| 4317 | OTLP |
`;

const translated = original
  .replace('See', '보기')
  .replace('## Start', '## 시작')
  .replace('runs it', '실행')
  .replace('what', '용도');

test('a translation with the same skeleton is a twin', () => {
  expect(differences(original, translated)).toEqual([]);
});

test.each([
  ['heading', '## 시작\n', ''],
  ['code block', 'npm start   #', 'npm test   #'],
  ['link', 'ARCHITECTURE.md', 'OTHER.md'],
  ['inline code', '`npm start`', '`npm run`'],
  ['table row', '| 4317 | OTLP |\n', ''],
])('a different %s is told', (what, from, to) => {
  expect(differences(original, translated.replace(from, to)).join()).toContain(what);
});
