/** A program on the OpenTelemetry JS SDK: a few metrics of every kind and log records, sent by
 *  whatever OTEL_EXPORTER_OTLP_PROTOCOL says. */
import { SeverityNumber, logs, metrics } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';

const sdk = new NodeSDK();
sdk.start();

const meter = metrics.getMeter('interop-js', '1.2.3');
const orders = meter.createCounter('orders', { unit: '{order}', description: 'Orders taken.' });
orders.add(3, { shop: 'seoul', secret: 'card 4242' });
orders.add(4, { shop: 'berlin', secret: 'card 4243' });
meter.createCounter('noise').add(1);
const wait = meter.createHistogram('wait', { unit: 'ms' });
for (const ms of [5, 50, 500]) wait.record(ms, { shop: 'seoul' });
meter.createObservableGauge('temperature').addCallback((result) => result.observe(21.5));

const logger = logs.getLogger('interop-js', '1.2.3');
const emit = (severityNumber, severityText, body, attributes = {}) =>
  logger.emit({ severityNumber, severityText, body, attributes });
emit(SeverityNumber.INFO, 'INFO', 'nothing to see');
emit(SeverityNumber.ERROR, 'ERROR', '결제 실패', { secret: 'card 4242', attempt: 2 });
emit(SeverityNumber.WARN, 'WARN', { code: 'slow', ms: 1500 });

await sdk.shutdown();
console.log('sent');
