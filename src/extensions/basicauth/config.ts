import { z } from 'zod';
import { opaque } from '../../config/kinds.ts';

const htpasswd = z
  .strictObject({
    file: z.string().optional().describe('Lines of user:hash, as the htpasswd tool writes them.'),
    inline: opaque().optional().describe('The same lines; they rule over those of the file.'),
  })
  .refine(({ file, inline }) => (file ?? inline) !== undefined, {
    message: 'give file, inline or both',
  });

const clientAuth = z
  .strictObject({
    username: z.string().optional().describe('Who we are.'),
    password: opaque().optional().describe('And how we show it.'),
    username_file: z.string().optional().describe('File with the name, read again when changed.'),
    password_file: z
      .string()
      .optional()
      .describe('File with the password, read again when changed.'),
  })
  .superRefine((credentials, context) => {
    for (const name of ['username', 'password'] as const) {
      const given = [credentials[name], credentials[`${name}_file`]].filter(
        (value) => value !== undefined,
      );
      if (given.length === 1) continue;
      const message = `give either ${name} or ${name}_file`;
      context.addIssue({ code: 'custom', path: [name], message });
    }
    if (credentials.username?.includes(':') !== true) return;
    const message = 'a user name cannot contain a colon';
    context.addIssue({ code: 'custom', path: ['username'], message });
  });

export const BasicAuthConfig = z
  .strictObject({
    htpasswd: htpasswd.optional().describe('For servers: who may send.'),
    client_auth: clientAuth.optional().describe('For clients: as whom we send.'),
  })
  .refine((config) => (config.htpasswd === undefined) !== (config.client_auth === undefined), {
    message: 'give either htpasswd, for servers, or client_auth, for clients',
  });

export type BasicAuthConfig = z.output<typeof BasicAuthConfig>;
