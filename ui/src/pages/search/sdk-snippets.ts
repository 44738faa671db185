/** What to paste into a terminal or a file to send spans here. */

export interface Snippet {
  readonly id: string;
  /** A product's name: not translated. */
  readonly label: string;
  readonly code: string;
}

export function sdkSnippets(host: string): Snippet[] {
  const grpc = `http://${host}:4317`;
  const http = `http://${host}:4318`;
  return [
    {
      id: 'env',
      label: 'SDK',
      code: `export OTEL_SERVICE_NAME=my-service
export OTEL_EXPORTER_OTLP_ENDPOINT=${http}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`,
    },
    {
      id: 'node',
      label: 'Node.js',
      code: `npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node
OTEL_SERVICE_NAME=my-service \\
OTEL_EXPORTER_OTLP_ENDPOINT=${http} \\
node --require @opentelemetry/auto-instrumentations-node/register app.js`,
    },
    {
      id: 'python',
      label: 'Python',
      code: `pip install opentelemetry-distro opentelemetry-exporter-otlp
opentelemetry-bootstrap -a install
OTEL_SERVICE_NAME=my-service \\
OTEL_EXPORTER_OTLP_ENDPOINT=${grpc} \\
opentelemetry-instrument python app.py`,
    },
    {
      id: 'java',
      label: 'Java',
      code: `OTEL_SERVICE_NAME=my-service \\
OTEL_EXPORTER_OTLP_ENDPOINT=${http} \\
java -javaagent:opentelemetry-javaagent.jar -jar app.jar`,
    },
    {
      id: 'collector',
      label: 'Collector',
      code: `exporters:
  otlp/spoor:
    endpoint: ${host}:4317
    tls:
      insecure: true`,
    },
  ];
}
