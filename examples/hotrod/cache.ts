/** The cache: a process of its own that speaks RESP. It holds where every driver is. An entry is
 *  good for seven reads; the eighth finds it stale and waits while it is loaded again, which takes
 *  longer than the driver service is willing to wait. That is where the time-outs come from.
 *  This process is not instrumented, as a Redis server would not be. */
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { drivers } from './city.ts';
import { encodeReply, RespReader, type Reply } from './resp.ts';
import { announce, onStop } from './process.ts';

const TRAVEL_MS = 8;
const TRAVEL_SPREAD_MS = 8;
const RELOAD_MS = 60;
const READS_PER_LOAD = 7;
const ENTRIES_MAX = 10_000;

type Entry = { value: string; readsLeft: number; loading: Promise<void> | undefined };

const entries = new Map<string, Entry>(
  drivers.map((driver, index) => [
    `driver:${driver.id}`,
    // Staggered, so that about every eighth lookup of a ride meets a stale entry.
    { value: JSON.stringify(driver), readsLeft: index % (READS_PER_LOAD + 1), loading: undefined },
  ]),
);

async function answer([command = '', key = '', value]: readonly string[]): Promise<Reply> {
  switch (command.toUpperCase()) {
    case 'PING':
      return { kind: 'value', value: 'PONG' };
    case 'GET':
      return { kind: 'value', value: await get(key) };
    case 'SET':
      return set(key, value);
    default:
      return { kind: 'error', message: `this cache knows GET, SET and PING, not ${command}` };
  }
}

async function get(key: string): Promise<string | undefined> {
  const entry = entries.get(key);
  await sleep(TRAVEL_MS + Math.random() * TRAVEL_SPREAD_MS);
  if (entry === undefined) return undefined;
  if (entry.readsLeft === 0) entry.loading ??= reload(entry);
  await entry.loading;
  entry.readsLeft = Math.max(0, entry.readsLeft - 1);
  return entry.value;
}

async function reload(entry: Entry): Promise<void> {
  await sleep(RELOAD_MS);
  entry.readsLeft = READS_PER_LOAD + 1;
  entry.loading = undefined;
}

function set(key: string, value: string | undefined): Reply {
  if (value === undefined) return { kind: 'error', message: 'SET needs a key and a value' };
  if (!entries.has(key) && entries.size >= ENTRIES_MAX) {
    return { kind: 'error', message: `the cache is full (${ENTRIES_MAX} entries)` };
  }
  entries.set(key, { value, readsLeft: READS_PER_LOAD, loading: undefined });
  return { kind: 'value', value: 'OK' };
}

/** One command at a time and replies in order, as Redis does on each connection. */
async function serve(socket: Socket): Promise<void> {
  const reader = new RespReader();
  socket.on('error', () => socket.destroy());
  for await (const chunk of socket) {
    reader.push(chunk);
    for (let words = reader.nextCommand(); words !== undefined; words = reader.nextCommand()) {
      const reply = await answer(words);
      if (!socket.writable) return;
      socket.write(encodeReply(reply));
    }
  }
}

const sockets = new Set<Socket>();
const server = createServer((socket) => {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
  // A client that times out closes its connection mid-reply; the cache has nothing to add.
  serve(socket).catch(() => socket.destroy());
});
server.listen(0, '127.0.0.1', () => announce(server.address()));
onStop(() => {
  server.close();
  for (const socket of sockets) socket.destroy();
});
