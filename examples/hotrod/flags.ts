/** HotROD's flags. The OTEL_* variables of the environment hold where a flag is not given. */
import { parseArgs } from 'node:util';

import type { Switches } from './process.ts';

export const HELP = `npm run demo -- [flags]

  --load N           order N rides a second (0 = none, the page only)
  --duration S       stop after S seconds (default: run until Ctrl-C)
  --fix LIST         start with these mended: transactions,lookups,workers or all
  --port N           first of four ports, for frontend, customer, driver, route (default 8080;
                     0 = any free ports)
  --endpoint URL     where OTLP goes (default http://localhost:4318, for grpc :4317)
  --protocol P       http/protobuf (default), http/json or grpc
  --ui URL           where Spoor's page is (default http://localhost:16686)
  --help             this text
`;

const PROTOCOLS = ['http/protobuf', 'http/json', 'grpc'] as const;
const PORT_MAX = 65_532;

export type Flags = {
  readonly help: boolean;
  readonly load: number;
  readonly durationS: number;
  readonly switches: Switches;
  readonly port: number;
  readonly endpoint: string;
  readonly protocol: (typeof PROTOCOLS)[number];
  readonly ui: string;
};

/** Throws an Error whose message names the flag and what it takes. */
export function parseFlags(args: readonly string[], env: NodeJS.ProcessEnv): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      load: { type: 'string', default: '0' },
      duration: { type: 'string', default: '0' },
      fix: { type: 'string', default: '' },
      port: { type: 'string', default: '8080' },
      endpoint: { type: 'string' },
      protocol: { type: 'string' },
      ui: { type: 'string', default: 'http://localhost:16686' },
      help: { type: 'boolean', default: false },
    },
  });
  const protocol = protocolFlag(
    values.protocol ?? env['OTEL_EXPORTER_OTLP_PROTOCOL'] ?? 'http/protobuf',
  );
  const defaultEndpoint = `http://localhost:${protocol === 'grpc' ? 4317 : 4318}`;
  return {
    help: values.help,
    load: numberFlag('--load', values.load, 1000),
    durationS: numberFlag('--duration', values.duration, 86_400),
    switches: fixFlag(values.fix),
    port: numberFlag('--port', values.port, PORT_MAX),
    endpoint: urlFlag(
      '--endpoint',
      values.endpoint ?? env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? defaultEndpoint,
    ),
    protocol,
    ui: urlFlag('--ui', values.ui),
  };
}

function numberFlag(flag: string, text: string, max: number): number {
  const value = Number(text);
  if (text === '' || !(value >= 0 && value <= max)) {
    throw new Error(`${flag} takes a number from 0 to ${max}, not "${text}"`);
  }
  return value;
}

function urlFlag(flag: string, text: string): string {
  if (!URL.canParse(text)) throw new Error(`${flag} takes a URL, not "${text}"`);
  return text.replace(/\/+$/, '');
}

function protocolFlag(text: string): Flags['protocol'] {
  const protocol = PROTOCOLS.find((known) => known === text);
  if (protocol === undefined) {
    throw new Error(`--protocol takes ${PROTOCOLS.join(', ')}, not "${text}"`);
  }
  return protocol;
}

function fixFlag(text: string): Switches {
  const names = text.split(',').filter((name) => name !== '');
  const known = ['transactions', 'lookups', 'workers', 'all'];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new Error(`--fix takes a list of ${known.join(', ')}, not "${unknown}"`);
  }
  const isFixed = (name: string): boolean => names.includes('all') || names.includes(name);
  return {
    transactions: isFixed('transactions'),
    lookups: isFixed('lookups'),
    workers: isFixed('workers'),
  };
}
