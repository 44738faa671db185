/** Customers in a real SQLite database, reached over four connections. Node's SQLite is
 *  synchronous, so a busy database must not be waited for inside SQLite (that would stop the
 *  whole service): busy_timeout is 0 and the wait is ours, visible as events on the span. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

import { SpanKind, type Attributes, type Span } from '@opentelemetry/api';
import { z } from 'zod';

import { customers } from './city.ts';
import { HttpError } from './service.ts';
import { inSpan } from './tracing.ts';

const CONNECTIONS = 4;
const WAITERS_MAX = 256;
const LOCK_WAIT_MS = 10_000;
const SQLITE_BUSY = 5;

const RowSchema = z.object({ id: z.int(), name: z.string(), x: z.number(), y: z.number() });
const BusySchema = z.object({ errcode: z.literal(SQLITE_BUSY) });
export type CustomerRow = z.infer<typeof RowSchema>;

const folder = mkdtempSync(join(tmpdir(), 'hotrod-customer-'));
const file = join(folder, 'customers.db');
const idle: DatabaseSync[] = [];
const waiting: ((connection: DatabaseSync) => void)[] = [];
/** Which ride holds the write lock, for the event that says whom one waits for. */
let lockHolder = 'nobody';

export function openStore(): void {
  const first = new DatabaseSync(file);
  first.exec(`PRAGMA journal_mode = WAL;
    CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, x REAL NOT NULL,
      y REAL NOT NULL, rides INTEGER NOT NULL DEFAULT 0, address_checked TEXT);`);
  const insert = first.prepare('INSERT INTO customer (id, name, x, y) VALUES (?, ?, ?, ?)');
  for (const { id, name, place } of customers) insert.run(id, name, place.x, place.y);
  idle.push(first);
  while (idle.length < CONNECTIONS) idle.push(new DatabaseSync(file));
  for (const connection of idle) connection.exec('PRAGMA busy_timeout = 0;');
}

export function closeStore(): void {
  for (const connection of idle) connection.close();
  rmSync(folder, { recursive: true, force: true });
}

/** Lends a connection for the work; further callers queue in order, and no more than 256. */
export async function withConnection<T>(
  work: (connection: DatabaseSync) => Promise<T>,
): Promise<T> {
  const connection = await takeConnection();
  try {
    return await work(connection);
  } finally {
    if (connection.isTransaction) connection.exec('ROLLBACK');
    const next = waiting.shift();
    if (next === undefined) idle.push(connection);
    else next(connection);
  }
}

function takeConnection(): Promise<DatabaseSync> {
  const free = idle.pop();
  if (free !== undefined) return Promise.resolve(free);
  if (waiting.length >= WAITERS_MAX) {
    throw new HttpError(503, `${WAITERS_MAX} requests wait for a database connection already`);
  }
  const ahead = waiting.length;
  return inSpan('wait for connection', { attributes: { 'hotrod.queue.ahead': ahead } }, () => {
    return new Promise<DatabaseSync>((resolve) => waiting.push(resolve));
  });
}

/** Takes SQLite's write lock, trying again for as long as another connection holds it. */
export function beginImmediate(connection: DatabaseSync, ride: string): Promise<void> {
  const sql = 'BEGIN IMMEDIATE';
  return inSpan(sql, dbSpan({ sql, operation: 'BEGIN' }), async (span) => {
    const giveUpAt = performance.now() + LOCK_WAIT_MS;
    for (let attempt = 1; !tryBegin(connection); attempt++) {
      noteBusy(span, attempt);
      if (performance.now() > giveUpAt) {
        throw new HttpError(503, `the database stayed locked for ${LOCK_WAIT_MS} ms`);
      }
      await sleep(2 + Math.random() * Math.min(20, attempt * 4));
    }
    lockHolder = ride;
  });
}

function tryBegin(connection: DatabaseSync): boolean {
  try {
    connection.exec('BEGIN IMMEDIATE');
    return true;
  } catch (error) {
    if (BusySchema.safeParse(error).success) return false;
    throw error;
  }
}

function noteBusy(span: Span, attempt: number): void {
  // A long wait would make hundreds of equal events: the first ones tell the story.
  if (attempt <= 8) {
    span.addEvent('database is locked', { 'hotrod.lock.holder': lockHolder, attempt });
  }
  span.setAttribute('hotrod.lock.attempts', attempt + 1);
}

export function commit(connection: DatabaseSync): Promise<void> {
  return inSpan('COMMIT', dbSpan({ sql: 'COMMIT', operation: 'COMMIT' }), () => {
    connection.exec('COMMIT');
    lockHolder = 'nobody';
  });
}

export function selectCustomer(connection: DatabaseSync, id: number): Promise<CustomerRow> {
  const sql = 'SELECT id, name, x, y FROM customer WHERE id = ?';
  return inSpan('SELECT customer', dbSpan({ sql, operation: 'SELECT' }), (span) => {
    const row = connection.prepare(sql).get(id);
    span.setAttribute('db.response.returned_rows', row === undefined ? 0 : 1);
    if (row === undefined) throw new HttpError(404, `there is no customer ${id}`);
    return RowSchema.parse(row);
  });
}

export function countRide(
  connection: DatabaseSync,
  { id, address }: { id: number; address: string },
): Promise<void> {
  const sql = 'UPDATE customer SET rides = rides + 1, address_checked = ? WHERE id = ?';
  return inSpan('UPDATE customer', dbSpan({ sql, operation: 'UPDATE' }), () => {
    connection.prepare(sql).run(address, id);
  });
}

function dbSpan({ sql, operation }: { sql: string; operation: string }) {
  const attributes: Attributes = {
    'db.system.name': 'sqlite',
    'db.namespace': 'customers.db',
    'db.operation.name': operation,
    'db.query.text': sql,
  };
  if (sql.includes('customer')) attributes['db.collection.name'] = 'customer';
  return { kind: SpanKind.CLIENT, attributes };
}
