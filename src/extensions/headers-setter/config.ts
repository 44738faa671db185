import { z } from 'zod';
import { opaque } from '../../config/kinds.ts';

const SOURCES = ['value', 'from_context', 'from_attribute'] as const;

const header = z
  .strictObject({
    key: z.string().min(1).describe('Name of the header.'),
    action: z
      .enum(['upsert', 'insert', 'update', 'delete'])
      .default('upsert')
      .describe('Set; set when missing; set when there; remove.'),
    value: opaque().optional().describe('Always this.'),
    from_context: z
      .string()
      .optional()
      .describe('The request header of this name that the data came with (include_metadata).'),
    from_attribute: z
      .string()
      .optional()
      .describe('What the authenticator of the receiver said: username, subject.'),
    default_value: opaque().optional().describe('When the request has no such value.'),
  })
  .superRefine((config, context) => {
    const given = SOURCES.filter((source) => config[source] !== undefined);
    const expected = config.action === 'delete' ? 0 : 1;
    if (given.length === expected) return;
    const message =
      expected === 0
        ? 'delete takes no value'
        : 'give one of value, from_context and from_attribute';
    context.addIssue({ code: 'custom', message });
  });

export const HeadersSetterConfig = z.strictObject({
  headers: z.array(header).min(1).describe('In this order.'),
  additional_auth: z.string().min(1).optional().describe('A client authenticator to ask first.'),
});

export type HeadersSetterConfig = z.output<typeof HeadersSetterConfig>;
export type HeaderConfig = HeadersSetterConfig['headers'][number];
