/** frontend: the page, and the ride itself: customer, then drivers, then a route for each, then
 *  the driver who is there first. */
import { context, propagation, trace } from '@opentelemetry/api';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

import { customers } from './city.ts';
import { switches, SwitchesSchema } from './process.ts';
import {
  ask,
  HttpError,
  json,
  numberParam,
  setSwitches,
  startService,
  type Routes,
} from './service.ts';
import { inSpan } from './tracing.ts';

const customerUrl = process.env['CUSTOMER_URL'] ?? 'http://localhost:8081';
const driverUrl = process.env['DRIVER_URL'] ?? 'http://localhost:8082';
const routeUrl = process.env['ROUTE_URL'] ?? 'http://localhost:8083';
const spoorUrl = process.env['SPOOR_URL'] ?? 'http://localhost:16686';

const PlaceSchema = z.object({ x: z.number(), y: z.number() });
const CustomerSchema = PlaceSchema.extend({ id: z.int(), name: z.string() });
const DriversSchema = z.array(z.object({ id: z.string(), car: z.string(), place: PlaceSchema }));
const RouteSchema = z.object({ minutes: z.number() });

type Place = z.infer<typeof PlaceSchema>;
type Driver = z.infer<typeof DriversSchema>[number];

let rides = 0;

/** Orders a ride. Its number travels as W3C baggage, so that others can say whose turn it is. */
function dispatch(customerId: number) {
  const ride = `ride-${++rides}`;
  const baggage = propagation.createBaggage({ 'hotrod.ride': { value: ride } });
  trace.getActiveSpan()?.setAttribute('hotrod.ride', ride);
  return context.with(propagation.setBaggage(context.active(), baggage), async () => {
    const startedAt = performance.now();
    const customer = await ask(`${customerUrl}/customer?id=${customerId}`, (value) =>
      CustomerSchema.parse(value),
    );
    const near = await ask(`${driverUrl}/nearest?x=${customer.x}&y=${customer.y}`, (value) =>
      DriversSchema.parse(value),
    );
    const { driver, minutes } = await chooseDriver(near, customer);
    return {
      ride,
      customer: customer.name,
      driver: driver.id,
      car: driver.car,
      from: driver.place,
      to: { x: customer.x, y: customer.y },
      minutes: Math.max(1, Math.round(minutes)),
      tookMs: Math.round(performance.now() - startedAt),
      traceId: trace.getActiveSpan()?.spanContext().traceId,
    };
  });
}

function chooseDriver(near: readonly Driver[], to: Place) {
  const attributes = { 'hotrod.drivers': near.length };
  return inSpan('choose driver', { attributes }, async (span) => {
    const offers = await Promise.all(
      near.map(async (driver) => ({ driver, minutes: await driveMinutes(driver.place, to) })),
    );
    const [best] = offers.toSorted((a, b) => a.minutes - b.minutes);
    if (best === undefined) throw new HttpError(503, 'no driver is free');
    span.addEvent('driver chosen', {
      'hotrod.driver': best.driver.id,
      'hotrod.route.minutes': best.minutes,
    });
    return best;
  });
}

async function driveMinutes(from: Place, to: Place): Promise<number> {
  const query = `fromX=${from.x}&fromY=${from.y}&toX=${to.x}&toY=${to.y}`;
  const { minutes } = await ask(`${routeUrl}/route?${query}`, (value) => RouteSchema.parse(value));
  return minutes;
}

/** The page talks to one service; this one passes it on, and answers when all have it. */
async function setSwitchesEverywhere(body: string) {
  const set = setSwitches(body);
  await Promise.all(
    [customerUrl, driverUrl, routeUrl].map((url) =>
      ask(`${url}/switches`, (value) => SwitchesSchema.parse(value), { method: 'PUT', body }),
    ),
  );
  return set;
}

function pageFile(name: string, type: string): Routes[string] {
  const body = readFileSync(new URL(`page/${name}`, import.meta.url), 'utf8');
  return () => ({ type: `${type}; charset=utf-8`, body });
}

startService({
  'GET /': pageFile('index.html', 'text/html'),
  'GET /page.js': pageFile('page.js', 'text/javascript'),
  'GET /messages.js': pageFile('messages.js', 'text/javascript'),
  'GET /page.css': pageFile('page.css', 'text/css'),
  'GET /dispatch': async ({ url }) => json(await dispatch(numberParam(url, 'customer'))),
  'GET /about': () => json({ customers, switches, spoorUrl }),
  'PUT /switches': async ({ body }) => json(await setSwitchesEverywhere(body)),
});
