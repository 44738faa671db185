/** Opening a port or a Unix socket, and what it is called then. */
import { lstat, rm } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { reachableAddress } from '../../lib/address.ts';
import { systemCodeOf } from '../../lib/errors.ts';
import type { ListenAddress } from './config.ts';

/** Listens; resolves with the address for people and clients: `localhost:4317`, `unix:/run/x.sock`.
 *  @param onError told when it later cannot take a connection, for want of file descriptors say */
export async function listen(
  server: Server,
  address: ListenAddress,
  onError: (error: Error) => void,
): Promise<string> {
  const where = await listenAt(server, address);
  server.on('error', onError);
  return where;
}

async function listenAt(server: Server, address: ListenAddress): Promise<string> {
  if ('socketPath' in address) return listenOnSocket(server, address.socketPath);
  const { host, port } = address;
  await opened(server, { port, ...(host === '' ? {} : { host }) });
  const bound = server.address();
  const boundPort = bound !== null && typeof bound === 'object' ? bound.port : port;
  return reachableAddress(host, boundPort);
}

/** A socket that a killed process left behind answers nobody: it is replaced. Any other file stays. */
async function listenOnSocket(server: Server, path: string): Promise<string> {
  try {
    await opened(server, { path });
  } catch (error) {
    if (systemCodeOf(error) !== 'EADDRINUSE' || !(await isAbandoned(path))) throw error;
    await rm(path);
    await opened(server, { path });
  }
  return `unix:${path}`;
}

function opened(
  server: Server,
  where: { readonly path: string } | { readonly port: number; readonly host?: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function isAbandoned(path: string): Promise<boolean> {
  if (!(await lstat(path)).isSocket()) return false;
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error) => resolve(systemCodeOf(error) === 'ECONNREFUSED'));
  });
}
