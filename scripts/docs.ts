/** `npm run docs` writes docs/config, a page for each component, from the schemas; `--check` fails
 *  when they are not what the schemas say, or when README.ko.md is no longer the twin of
 *  README.md: the same outline, commands and links, so that neither falls behind. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { sections, type Section } from '../src/component/registry.ts';
import { ServiceSettings } from '../src/config/document.ts';
import { registry } from '../src/registry.ts';
import { componentPage } from './docs/component-page.ts';
import { differences } from './docs/twins.ts';

const service = {
  type: 'service',
  stability: 'stable',
  summary: 'What runs: pipelines, extensions, and how the process tells of itself.',
  config: ServiceSettings,
} as const;

const root = new URL('../', import.meta.url);
const folder = new URL('docs/config/', root);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

async function pagesOf(section: Section): Promise<[name: string, page: string][]> {
  const kind = section.slice(0, -1);
  const loaded = Object.values(registry[section]).map(async (load) => {
    const { component } = await load();
    const name = `${kind}-${component.type.replaceAll('_', '-')}.md`;
    return [name, componentPage(kind, component)] satisfies [string, string];
  });
  return Promise.all(loaded);
}

async function pages(): Promise<Map<string, string>> {
  const all = (await Promise.all(sections.map(pagesOf))).flat();
  all.push(['service.md', componentPage('section', service)]);
  const entries = all.map(
    ([name, page]) => `- [${/^# (.*)$/m.exec(page)?.[1] ?? name}](${name})\n`,
  );
  const index = `# Configuration\n\nGenerated from the schemas by \`npm run docs\`.\n\n${entries.join('')}`;
  return new Map([['README.md', index], ...all]);
}

function present(): Map<string, string> {
  mkdirSync(folder, { recursive: true });
  const names = readdirSync(folder);
  return new Map(names.map((name) => [name, readFileSync(new URL(name, folder), 'utf8')]));
}

function stale(wanted: ReadonlyMap<string, string>): string[] {
  const there = present();
  return [...new Set([...wanted.keys(), ...there.keys()])].filter(
    (name) => wanted.get(name) !== there.get(name),
  );
}

function write(wanted: ReadonlyMap<string, string>): void {
  for (const name of stale(wanted)) {
    const page = wanted.get(name);
    const file = new URL(name, folder);
    if (page === undefined) rmSync(file);
    else writeFileSync(file, page);
    console.log(`docs/config/${name}`);
  }
}

const wanted = await pages();
if (!process.argv.includes('--check')) write(wanted);
const problems = [
  ...stale(wanted).map((name) => `docs/config/${name} is stale: npm run docs`),
  ...differences(read('README.md'), read('README.ko.md')).map((what) => `README.ko.md: ${what}`),
];
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
