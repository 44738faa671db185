/** The query server (16686): Jaeger's two generations of HTTP API, our own, and the UI for every
 *  other path. Routes are grouped by whose contract they keep. */

import fastify, { type FastifyInstance } from 'fastify';
import { legacyRoutes } from './legacy.ts';
import type { QueryServerOptions } from './options.ts';
import { ownRoutes } from './own.ts';
import { uiRoutes } from './ui.ts';
import { v3Routes } from './v3.ts';

/** A server that is not listening yet: `listen` and `close` are the caller's. */
export async function createQueryServer(options: QueryServerOptions): Promise<FastifyInstance> {
  const server = fastify({
    logger: false,
    // Jaeger clients put whole tag objects and ids into one path segment or query.
    routerOptions: { maxParamLength: 500, ignoreTrailingSlash: true },
    // Clients hold keep-alive connections open: a stopping server does not wait for them.
    forceCloseConnections: true,
    requestTimeout: 60_000,
    bodyLimit: options.bodyBytesMax ?? 2 ** 20,
  });
  server.setNotFoundHandler((_request, reply) => {
    void reply.code(404).type('text/plain; charset=utf-8').send('404 page not found\n');
  });
  server.addHook('onResponse', (request, reply, done) => {
    options.onAnswered?.({
      method: request.method,
      route: request.routeOptions.url,
      status: reply.statusCode,
      seconds: reply.elapsedTime / 1000,
    });
    done();
  });
  await server.register(
    async (scope) => {
      await scope.register(async (routes) => legacyRoutes(routes, options), { prefix: '/api' });
      await scope.register(async (routes) => v3Routes(routes, options), { prefix: '/api/v3' });
      await scope.register(async (routes) => ownRoutes(routes, options), { prefix: '/api/spoor' });
      await uiRoutes(scope, options);
    },
    { prefix: options.basePath },
  );
  return server;
}
