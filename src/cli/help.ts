/** `spoor help`, for somebody who has never seen it. */
import { suggestion } from '../config/nearest.ts';

const text = `Spoor receives, stores and shows distributed traces, all in one process.

  spoor                       start: traces in on 4317 and 4318, the UI on http://localhost:16686
  spoor --config file.yaml    start with a configuration of your own

Point an OpenTelemetry SDK at it:
  OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318

Commands
  run            start; the same as no command at all
  validate       check a configuration, say where each pipeline acknowledges
  print-config   show the configuration after merging and expansion, secrets hidden
  config schema  print a JSON Schema of the configuration, for editors
  components     list the receivers, processors, exporters, connectors and extensions
  featuregate    list what --feature-gates can switch
  loadgen        send made-up traces, to try things out
  audit          hold a running server to its word: write known traces, read them back
  store          check, measure, back up, export, import and delete stored traces
  version        print the version
  help           this text

Options
  --config <where>   a file, or file:, env:, yaml:, http: or https: and a place.
                     Repeat it: later ones are merged over earlier ones.
  --set a.b=c        set one value over everything else. Repeat it for more.
  --feature-gates a,-b
                     switch behaviour on and off, see \`spoor featuregate\`
  --watch            run only: read the configuration again when one of its files changes,
                     as SIGHUP makes it do. A faulty one is refused, the one before goes on.

Environment
  SPOOR_DATA_DIR       where the built-in configuration keeps its data
  JAEGER_LISTEN_HOST   the address it listens on, localhost unless set (0.0.0.0 for everybody)

The configuration is an OpenTelemetry Collector's YAML with Jaeger's extensions.
\`spoor print-config\` prints the built-in one as a start.
`;

export async function run(): Promise<number> {
  process.stdout.write(text);
  return 0;
}

export function unknownCommand(name: string, known: readonly string[]): number {
  process.stderr.write(
    `spoor: there is no command "${name}"${suggestion(name, known)} (see \`spoor help\`)\n`,
  );
  return 1;
}
