/** The messages of logs.proto, fields in the order of their numbers. */
import type { AttributeValue } from '../../model/attribute.ts';
import type { LogRecord } from '../../model/logs.ts';
import { anyValue, keyValue } from './any-value.ts';
import { many, message, one, optional } from './message.ts';
import { fixed32, id, nano, text, uint32 } from './scalars.ts';
import { signalMessage } from './signal.ts';

const logRecord = message<LogRecord>({
  name: 'LogRecord',
  empty: () => ({
    timeNano: 0n,
    observedNano: 0n,
    severityNumber: 0,
    severityText: '',
    body: undefined,
    attributes: [],
    droppedAttributes: 0,
    flags: 0,
    traceId: new Uint8Array(0),
    spanId: new Uint8Array(0),
    eventName: '',
  }),
  fields: [
    one(1, 'timeNano', nano),
    one(2, 'severityNumber', uint32),
    one(3, 'severityText', text),
    optional<LogRecord, AttributeValue>(5, anyValue, {
      get: ({ body }) => body,
      set: (target, value) => void (target.body = value),
    }),
    many(6, keyValue, ({ attributes }) => attributes),
    one(7, 'droppedAttributes', uint32),
    one(8, 'flags', fixed32),
    one(9, 'traceId', id(16)),
    one(10, 'spanId', id(8)),
    one(11, 'observedNano', nano),
    one(12, 'eventName', text),
  ],
});

export const logsMessage = signalMessage({
  groups: 'ResourceLogs',
  scopes: 'ScopeLogs',
  request: 'ExportLogsServiceRequest',
  item: logRecord,
});
