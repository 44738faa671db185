/** The web UI: built files by name, and its index page for every path that is no API, because the
 *  page itself reads the URL. The page's base is set to where it is served. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { systemCodeOf } from '../../lib/errors.ts';
import type { QueryServerOptions } from './options.ts';

const POLICY = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "worker-src 'self' blob:",
  "frame-ancestors 'self'",
].join('; ');

export async function uiRoutes(
  routes: FastifyInstance,
  options: QueryServerOptions,
): Promise<void> {
  const index = await readIndex(options);
  if (index === undefined || options.uiDirectory === undefined) return;
  await routes.register(fastifyStatic, {
    root: join(options.uiDirectory, 'assets'),
    prefix: '/assets/',
    // File names carry a hash of their content.
    immutable: true,
    maxAge: '365d',
    decorateReply: false,
  });
  routes.get('/favicon.svg', async (_request, reply) =>
    reply
      .type('image/svg+xml')
      .send(await readFile(join(options.uiDirectory ?? '', 'favicon.svg'))),
  );
  // Slashes at the end are ignored, so the bare base path is no `/*`.
  const paths = options.basePath === '' ? ['/*'] : ['/', '/*'];
  for (const url of paths) routes.get(url, sendPage);

  function sendPage(request: FastifyRequest, reply: FastifyReply) {
    const path = request.url.slice(options.basePath.length);
    if (/^\/(?:api|assets)(?:\/|$)/.test(path)) {
      return reply.code(404).type('text/plain; charset=utf-8').send('404 page not found\n');
    }
    return reply
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-cache')
      .header('content-security-policy', POLICY)
      .header('x-content-type-options', 'nosniff')
      .send(index);
  }
}

/** The page with its base, or undefined when there is no UI to serve. */
async function readIndex({ uiDirectory, basePath, log }: QueryServerOptions) {
  if (uiDirectory === undefined) return undefined;
  const path = join(uiDirectory, 'index.html');
  try {
    const page = await readFile(path, 'utf8');
    return page.replace(/<base href="[^"]*"\s*\/?>/, `<base href="${basePath}/">`);
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
    log.warn({ path }, 'the UI is not built; the API alone is served');
    return undefined;
  }
}
