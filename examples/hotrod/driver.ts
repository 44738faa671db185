/** driver: who is near and free. Problem 2 lives here: the cache is asked for one driver after
 *  another, which draws a staircase in the trace; a lookup that times out is tried again. The
 *  switch `lookups` asks for all of them at once. */
import { trace } from '@opentelemetry/api';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

import { CacheClient, CacheTimeoutError } from './cache-client.ts';
import { nearestDrivers, type Driver } from './city.ts';
import { switches } from './process.ts';
import { HttpError, json, numberParam, startService } from './service.ts';
import { inSpan } from './tracing.ts';

const DRIVERS_PER_RIDE = 10;
const ATTEMPTS_MAX = 5;
const RETRY_PAUSE_MS = 5;

const DriverSchema = z.object({
  id: z.string(),
  car: z.string(),
  place: z.object({ x: z.number(), y: z.number() }),
});

const cache = new CacheClient(Number(process.env['CACHE_PORT'] ?? 6379));

async function findNearest(url: URL): Promise<Driver[]> {
  const place = { x: numberParam(url, 'x'), y: numberParam(url, 'y') };
  const near = nearestDrivers(place, DRIVERS_PER_RIDE);
  const mode = switches.lookups ? 'side by side' : 'one after another';
  const attributes = { 'hotrod.drivers': near.length, 'hotrod.lookups': mode };
  return inSpan('look up drivers', { attributes }, () =>
    switches.lookups ? Promise.all(near.map(lookUp)) : lookUpInTurn(near),
  );
}

async function lookUpInTurn(near: readonly Driver[]): Promise<Driver[]> {
  const found: Driver[] = [];
  for (const driver of near) found.push(await lookUp(driver));
  return found;
}

async function lookUp({ id }: Driver): Promise<Driver> {
  const key = `driver:${id}`;
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    try {
      const text = await cache.get(key);
      if (text === undefined) throw new HttpError(502, `the cache has no ${key}`);
      return DriverSchema.parse(JSON.parse(text));
    } catch (error) {
      if (!(error instanceof CacheTimeoutError)) throw error;
      trace.getActiveSpan()?.addEvent('lookup timed out, trying again', {
        'hotrod.driver': id,
        attempt,
      });
      await sleep(RETRY_PAUSE_MS * attempt);
    }
  }
  throw new HttpError(502, `${key} timed out ${ATTEMPTS_MAX} times`);
}

startService({ 'GET /nearest': async ({ url }) => json(await findNearest(url)) }, () =>
  cache.close(),
);
