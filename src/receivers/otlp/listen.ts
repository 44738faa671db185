/** Opening a port, and what it is then. */
import type { Server } from 'node:net';
import type { HostPort } from '../../config/kinds.ts';
import { reachableAddress } from '../../lib/address.ts';

/** Listens; resolves with the address for people and clients, `localhost:4317`. */
export async function listen(server: Server, { host, port }: HostPort): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const bound = server.address();
  const boundPort = bound !== null && typeof bound === 'object' ? bound.port : port;
  return reachableAddress(host, boundPort);
}
