/** The pages, as plain HTML that needs nothing else. All text of others is escaped. */

import type { StatusEntry, StatusReport } from '../../component/status.ts';
import { gates } from '../../config/gates.ts';

const STYLE = `body{font:14px/1.5 system-ui,sans-serif;margin:2rem;max-width:70rem}
table{border-collapse:collapse}td,th{border:1px solid #8886;padding:.25rem .6rem;text-align:left}
:root{color-scheme:light dark}`;

export const PAGES = {
  servicez: 'the process',
  pipelinez: 'pipelines and how their components are',
  extensionz: 'extensions and how they are',
  featurez: 'feature gates',
  tracez: 'spans of the process itself',
} as const;

export function indexPage(): string {
  const links = Object.entries(PAGES).map(
    ([path, what]) => `<li><a href="/debug/${path}">${path}</a>: ${what}`,
  );
  return page('zpages', `<ul>${links.join('')}</ul>`);
}

export function servicePage(report: StatusReport, nowMs: number): string {
  const upSeconds = (nowMs - report.startedMs) / 1000;
  return page(
    'Service',
    table(
      ['', ''],
      [
        ['Version', report.version],
        ['Node.js', process.versions.node],
        ['Platform', `${process.platform} ${process.arch}`],
        ['Process id', String(process.pid)],
        ['Started', new Date(report.startedMs).toISOString()],
        ['Running for', `${upSeconds.toFixed(0)} s`],
        ['Status', stateOf(report)],
        ['Memory', `${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`],
      ],
    ),
  );
}

export function pipelinesPage(report: StatusReport): string {
  const sections = report.pipelines.map(({ id, components, acknowledges }) => {
    const rows = components.map((name) => [name, stateOf(report.components.get(name))]);
    const where = `<p>Acknowledged ${escaped(acknowledges)}.</p>`;
    return `<h2>${escaped(id)}</h2>${where}${table(['Component', 'Status'], rows)}`;
  });
  return page('Pipelines', sections.join(''));
}

export function extensionsPage(report: StatusReport): string {
  const rows = [...report.components]
    .filter(([name]) => name.startsWith('extension:'))
    .map(([name, entry]) => [name.slice('extension:'.length), stateOf(entry)]);
  return page('Extensions', table(['Extension', 'Status'], rows));
}

export function featuresPage(): string {
  const rows = gates.map(({ id, stage, summary }) => [id, stage, summary]);
  const how = '<p>Switched by --feature-gates when the process is started.</p>';
  return page('Features', how + table(['Gate', 'Stage', 'What it does'], rows));
}

export function spansPage(): string {
  return page(
    'Spans',
    '<p>The process makes no spans of itself. Its metrics say how long things take, and the ' +
      'extension pprof says where time goes.</p>',
  );
}

/** What Go's expvar calls its variables. */
export function variables(report: StatusReport): string {
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  return JSON.stringify({
    version: report.version,
    started: new Date(report.startedMs).toISOString(),
    memory: { rss, heapUsed, external, arrayBuffers },
    cpu: process.cpuUsage(),
  });
}

function stateOf(entry: StatusEntry | undefined): string {
  if (entry === undefined) return 'unknown';
  const word = entry.status.replace(/^Status/, '');
  const since = `since ${new Date(entry.sinceMs).toISOString()}`;
  return entry.error === undefined ? `${word}, ${since}` : `${word}: ${entry.error}, ${since}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (tag: string, cells: readonly string[]) =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  const top = head.some((cell) => cell !== '') ? line('th', head) : '';
  return `<table>${top}${rows.map((cells) => line('td', cells)).join('')}</table>`;
}

function page(title: string, body: string): string {
  return (
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>` +
    `<style>${STYLE}</style><h1>${title}</h1>${body}<p><a href="/">All pages</a></p></html>\n`
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}
