import { z } from 'zod';
import { isHeaderValue, opaque } from '../../config/kinds.ts';

export const BearerTokenConfig = z
  .strictObject({
    header: z.string().min(1).default('Authorization').describe('Where the token stands.'),
    scheme: z.string().default('Bearer').describe('The word before it; empty for none.'),
    token: opaque().optional().describe('The token.'),
    tokens: z
      .array(opaque())
      .optional()
      .describe('Several: servers take any, clients send the first.'),
    filename: z
      .string()
      .optional()
      .describe('File with a token a line, read again when it changes.'),
  })
  .superRefine(({ token, tokens, filename }, context) => {
    const given = [token, tokens, filename].filter((source) => source !== undefined);
    const isEmpty = token === '' || tokens?.length === 0 || tokens?.includes('') === true;
    if (given.length === 1 && !isEmpty) {
      if ([token ?? '', ...(tokens ?? [])].every(isHeaderValue)) return;
      const message = 'a token has characters that no header may have, like the end of a line';
      context.addIssue({ code: 'custom', message });
      return;
    }
    const message = isEmpty ? 'a token is empty' : 'give one of token, tokens and filename';
    context.addIssue({ code: 'custom', message });
  });

export type BearerTokenConfig = z.output<typeof BearerTokenConfig>;
