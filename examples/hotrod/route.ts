/** route: how long a drive takes. Problem 3 lives here: three workers compute routes, a ride asks
 *  for ten at once, so most of them stand in line. The switch `workers` makes it thirty. */
import { setTimeout as sleep } from 'node:timers/promises';

import { fastestMinutes, type Place } from './city.ts';
import { switches } from './process.ts';
import { HttpError, json, numberParam, startService } from './service.ts';
import { inSpan } from './tracing.ts';

const FEW_WORKERS = 3;
const ENOUGH_WORKERS = 30;
const QUEUE_MAX = 512;
const TRAFFIC_MS = 40;
const TRAFFIC_SPREAD_MS = 25;
const ADDRESS_MS = 90;
const ADDRESS_SPREAD_MS = 40;

const queue: (() => void)[] = [];
let busy = 0;

async function findRoute(url: URL) {
  const from = { x: numberParam(url, 'fromX'), y: numberParam(url, 'fromY') };
  const to = { x: numberParam(url, 'toX'), y: numberParam(url, 'toY') };
  await takeWorker();
  try {
    return await computeRoute(from, to);
  } finally {
    busy--;
    startWaiting();
  }
}

function takeWorker(): Promise<void> | undefined {
  if (busy < workers()) {
    busy++;
    return undefined;
  }
  if (queue.length >= QUEUE_MAX) {
    throw new HttpError(503, `${QUEUE_MAX} routes wait for a worker already`);
  }
  const attributes = { 'hotrod.queue.ahead': queue.length, 'hotrod.workers': workers() };
  return inSpan('wait for worker', { attributes }, () => {
    return new Promise<void>((resolve) => queue.push(resolve));
  });
}

/** More than one may start: the switch can have raised the number of workers meanwhile. */
function startWaiting(): void {
  while (busy < workers()) {
    const start = queue.shift();
    if (start === undefined) return;
    busy++;
    start();
  }
}

function workers(): number {
  return switches.workers ? ENOUGH_WORKERS : FEW_WORKERS;
}

function computeRoute(from: Place, to: Place) {
  return inSpan('compute route', { attributes: { 'hotrod.workers': workers() } }, async (span) => {
    await sleep(TRAFFIC_MS + Math.random() * TRAFFIC_SPREAD_MS);
    span.addEvent('traffic loaded');
    const minutes = fastestMinutes(from, to);
    span.setAttribute('hotrod.route.minutes', minutes);
    return { minutes };
  });
}

/** Stands for a slow service of somebody else's: nothing here makes it faster. */
async function checkAddress(url: URL) {
  const [x, y] = [numberParam(url, 'x'), numberParam(url, 'y')];
  await sleep(ADDRESS_MS + Math.random() * ADDRESS_SPREAD_MS);
  return { address: `${y}th Street ${x}` };
}

startService({
  'GET /route': async ({ url }) => json(await findRoute(url)),
  'GET /address': async ({ url }) => json(await checkAddress(url)),
});
