/** An OTLP logs request as JavaScript objects, for the components that look into logs: those that
 *  only pass logs on never make these. */
import type { AttributeValue, KeyValue } from './attribute.ts';
import type { SignalMessage } from './signal-message.ts';

export type LogsMessage = SignalMessage<LogRecord>;

export interface LogRecord {
  timeNano: bigint;
  observedNano: bigint;
  /** 0 (not said) to 24. */
  severityNumber: number;
  severityText: string;
  body: AttributeValue | undefined;
  attributes: KeyValue[];
  droppedAttributes: number;
  flags: number;
  /** Raw bytes, empty when absent. */
  traceId: Uint8Array;
  spanId: Uint8Array;
  eventName: string;
}

/** By number: `unspecified`, `trace`, `trace2`, … `fatal4`. */
export const SEVERITIES: readonly string[] = [
  'unspecified',
  ...['trace', 'debug', 'info', 'warn', 'error', 'fatal'].flatMap((name) =>
    ['', '2', '3', '4'].map((level) => name + level),
  ),
];
