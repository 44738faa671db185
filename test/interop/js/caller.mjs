/** Asks the URL it is given, inside a span; fetch is instrumented by the official register. */
import { trace } from '@opentelemetry/api';

const [url = ''] = process.argv.slice(2);
await trace.getTracer('interop-caller').startActiveSpan('journey', async (span) => {
  const response = await fetch(url);
  const body = await response.text();
  span.end();
  process.stdout.write(`answer ${response.status} ${body}\n`);
  process.stdout.write(`trace ${span.spanContext().traceId}\n`);
});
