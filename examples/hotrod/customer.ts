/** customer: who orders, from SQLite. Problem 1 lives here: the address is checked by another
 *  service while the transaction is open, so the write lock is held across a slow remote call
 *  and every other ride waits for it. The switch `transactions` asks first and locks afterwards. */
import { propagation } from '@opentelemetry/api';
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';

import {
  beginImmediate,
  closeStore,
  commit,
  countRide,
  openStore,
  selectCustomer,
  withConnection,
  type CustomerRow,
} from './customer-store.ts';
import { switches } from './process.ts';
import { ask, json, numberParam, startService } from './service.ts';

const routeUrl = process.env['ROUTE_URL'] ?? 'http://localhost:8083';
const AddressSchema = z.object({ address: z.string() });

type Visit = { readonly connection: DatabaseSync; readonly id: number; readonly ride: string };

async function longTransaction({ connection, id, ride }: Visit): Promise<CustomerRow> {
  await beginImmediate(connection, ride);
  const row = await selectCustomer(connection, id);
  const address = await checkAddress(row);
  await countRide(connection, { id, address });
  await commit(connection);
  return row;
}

async function shortTransaction({ id, ride }: Omit<Visit, 'connection'>): Promise<CustomerRow> {
  const row = await withConnection((connection) => selectCustomer(connection, id));
  const address = await checkAddress(row);
  await withConnection(async (connection) => {
    await beginImmediate(connection, ride);
    await countRide(connection, { id, address });
    await commit(connection);
  });
  return row;
}

async function checkAddress({ x, y }: CustomerRow): Promise<string> {
  const { address } = await ask(`${routeUrl}/address?x=${x}&y=${y}`, (value) =>
    AddressSchema.parse(value),
  );
  return address;
}

async function findCustomer(id: number): Promise<CustomerRow> {
  const ride = propagation.getActiveBaggage()?.getEntry('hotrod.ride')?.value ?? 'unknown';
  if (switches.transactions) return shortTransaction({ id, ride });
  return withConnection((connection) => longTransaction({ connection, id, ride }));
}

openStore();
// On exit, so that the folder goes whichever way the process ends.
process.once('exit', closeStore);
startService({
  'GET /customer': async ({ url }) => json(await findCustomer(numberParam(url, 'id'))),
});
