/** The bytes of an OTLP export request of metrics or logs (= `MetricsData`, `LogsData`) as objects
 *  and back. */
import type { LogsMessage } from '../../model/logs.ts';
import type { MetricsMessage } from '../../model/metrics.ts';
import { BackwardWriter } from '../otlp-proto/backward-writer.ts';
import { logsMessage } from './logs.ts';
import { readWhole, type MessageSpec } from './message.ts';
import { metricsMessage } from './metrics.ts';
import { MessageReader } from './scalars.ts';

const FIRST_BYTES = 16 * 1024;

export interface SignalCodec<Message> {
  readonly signal: 'metrics' | 'logs';
  /** Throws WireError. */
  decode(bytes: Uint8Array): Message;
  encode(message: Message): Uint8Array;
  /** Data points or log records. */
  count(message: Message): number;
}

export const metricsCodec: SignalCodec<MetricsMessage> = {
  signal: 'metrics',
  ...codecOf(metricsMessage),
  count: ({ resources }) => {
    let points = 0;
    for (const { scopes } of resources) {
      for (const { items } of scopes) {
        for (const { data } of items) points += data?.points.length ?? 0;
      }
    }
    return points;
  },
};

export const logsCodec: SignalCodec<LogsMessage> = {
  signal: 'logs',
  ...codecOf(logsMessage),
  count: ({ resources }) => {
    let records = 0;
    for (const { scopes } of resources) for (const { items } of scopes) records += items.length;
    return records;
  },
};

function codecOf<Message>(spec: MessageSpec<Message>) {
  return {
    decode: (bytes: Uint8Array): Message => readWhole(spec, new MessageReader(bytes)),
    encode(message: Message): Uint8Array {
      const writer = new BackwardWriter(FIRST_BYTES);
      for (const field of spec.fields.toReversed()) field.write(message, writer);
      return writer.finish();
    },
  };
}
