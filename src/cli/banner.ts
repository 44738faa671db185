/** What a person sees when everything is up: where to look, where to send, what is kept. */
import type { Endpoint } from '../component/host.ts';
import { ackLines } from '../pipeline/acks.ts';
import type { Settings } from '../pipeline/settings.ts';

export interface BannerFacts {
  readonly version: string;
  readonly settings: Settings;
  readonly runtime: {
    readonly endpoints: readonly Endpoint[];
    readonly notices: readonly string[];
  };
}

export function banner({ version, settings, runtime }: BannerFacts): string {
  const rows = runtime.endpoints.toSorted((a, b) => rank(a) - rank(b));
  const width = Math.max(0, ...rows.map(({ label }) => label.length)) + 2;
  const lines = [
    `Spoor ${version} is ready.`,
    '',
    ...rows.map(({ label, address }) => `  ${label.padEnd(width)}${address}`),
    '',
    ...ackLines(settings).map((line) => `  ${line}`),
    ...runtime.notices.map((notice) => `  ${notice}`),
    '',
    '  Ctrl-C stops it.',
    '',
  ];
  return `\n${lines.join('\n')}\n`;
}

/** People first, then clients, then operators. */
const order = [/^UI/, /^OTLP/, /^data/, /^health/, /^own metrics/];

function rank({ label }: Endpoint): number {
  const place = order.findIndex((pattern) => pattern.test(label));
  return place < 0 ? order.length : place;
}
