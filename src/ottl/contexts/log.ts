/** Conditions about log records. */

import { SEVERITIES, type LogRecord } from '../../model/logs.ts';
import type { Context } from '../context.ts';
import { OttlTime, printed, type Value, valueOf } from '../value.ts';
import { AROUND, type ItemAround } from './around.ts';
import { attributesPath, resourceOrScopePath } from './resource-scope.ts';

export interface LogItem extends ItemAround {
  readonly record: LogRecord;
}

const ENUMS: Readonly<Record<string, bigint>> = Object.fromEntries(
  SEVERITIES.map((name, i) => [`SEVERITY_NUMBER_${name.toUpperCase()}`, BigInt(i)]),
);

export const logContext: Context<LogItem> = {
  name: 'log',
  enums: ENUMS,
  path(names, firstKey) {
    const name = names.join('.');
    if (name === 'attributes') return attributesPath(({ record }) => record.attributes, firstKey);
    const read = FIELDS[name];
    if (read !== undefined) return { get: ({ record }) => read(record) };
    return resourceOrScopePath(names, firstKey, AROUND);
  },
};

const FIELDS: Readonly<Record<string, (record: LogRecord) => Value>> = {
  time: ({ timeNano }) => new OttlTime(timeNano),
  time_unix_nano: ({ timeNano }) => BigInt.asIntN(64, timeNano),
  observed_time: ({ observedNano }) => new OttlTime(observedNano),
  observed_time_unix_nano: ({ observedNano }) => BigInt.asIntN(64, observedNano),
  severity_number: ({ severityNumber }) => BigInt(severityNumber),
  severity_text: ({ severityText }) => severityText,
  body: ({ body }) => (body === undefined ? null : valueOf(body)),
  'body.string': ({ body }) => (body === undefined ? '' : printed(valueOf(body))),
  flags: ({ flags }) => BigInt(flags),
  dropped_attributes_count: ({ droppedAttributes }) => BigInt(droppedAttributes),
  event_name: ({ eventName }) => eventName,
  trace_id: ({ traceId }) => idOf(traceId),
  'trace_id.string': ({ traceId }) => Buffer.from(traceId).toString('hex'),
  span_id: ({ spanId }) => idOf(spanId),
  'span_id.string': ({ spanId }) => Buffer.from(spanId).toString('hex'),
};

/** An id that is not there is nil, which equals empty bytes. */
function idOf(bytes: Uint8Array): Value {
  return bytes.some((byte) => byte !== 0) ? bytes : null;
}
