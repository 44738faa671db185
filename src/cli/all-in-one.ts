/** What runs without `--config`: OTLP in, durable storage on this machine, the Jaeger API and the UI
 *  out. It is ordinary configuration; `spoor print-config` shows it as a starting point. */
import { homedir } from 'node:os';
import { join } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the data of this user belongs: XDG's place, or Windows' own. */
export function defaultDataDirectory(env: Environment): string {
  const local = env['LOCALAPPDATA'];
  if (process.platform === 'win32' && local) return join(local, 'spoor');
  return join(env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'spoor');
}

export function allInOne(env: Environment): string {
  const directory = defaultDataDirectory(env).replaceAll('$', '$$$$');
  const host = '${env:JAEGER_LISTEN_HOST:-localhost}';
  return `
receivers:
  otlp:
    protocols:
      grpc: { endpoint: "${host}:4317" }
      http: { endpoint: "${host}:4318" }

exporters:
  jaeger_storage_exporter:
    trace_storage: main
  # Metrics and logs are accepted, so that SDKs with every signal on work, and not kept.
  nop:

extensions:
  jaeger_storage:
    backends:
      main:
        embedded:
          directory: ${JSON.stringify(`\${env:SPOOR_DATA_DIR:-${directory}}`)}
  jaeger_query:
    storage: { traces: main }
    http: { endpoint: "${host}:16686" }
  healthcheckv2:
    use_v2: true
    http: { endpoint: "${host}:13133" }
    component_health: { include_permanent_errors: true, include_recoverable_errors: true }

service:
  extensions: [jaeger_storage, jaeger_query, healthcheckv2]
  telemetry:
    metrics:
      readers:
        # Names as Jaeger writes them; a Collector leaves units and _total out.
        - pull:
            exporter:
              prometheus:
                host: "${host}"
                port: 8888
                without_units: false
                without_type_suffix: false
  pipelines:
    traces: { receivers: [otlp], exporters: [jaeger_storage_exporter] }
    metrics: { receivers: [otlp], exporters: [nop] }
    logs: { receivers: [otlp], exporters: [nop] }
`;
}
