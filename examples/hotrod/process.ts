/** What every HotROD process owes its launcher: say on which port it listens, start
 *  with the switches it is given, and go when the launcher says so or is gone itself. */
import type { AddressInfo } from 'node:net';

import { z } from 'zod';

export const SwitchesSchema = z.strictObject({
  transactions: z.boolean(),
  lookups: z.boolean(),
  workers: z.boolean(),
});

/** What is mended: short transactions, lookups side by side, enough workers. */
export type Switches = z.infer<typeof SwitchesSchema>;

export const MessageSchema = z.union([
  z.strictObject({ ready: z.int().positive() }),
  z.strictObject({ failed: z.string() }),
]);
export type Message = z.infer<typeof MessageSchema>;

const STOP_GRACE_MS = 4000;

/** The switches as last set; the launcher gives the first ones by the environment. */
export const switches: Switches = SwitchesSchema.parse(
  JSON.parse(
    process.env['HOTROD_SWITCHES'] ?? '{"transactions":false,"lookups":false,"workers":false}',
  ),
);

export function announce(address: AddressInfo | string | null): void {
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  tell({ ready: address.port });
}

export function tell(message: Message): void {
  process.send?.(message);
}

/** Runs `stop` once, then lets the process end by itself, so that the SDK can send its last
 *  spans; a process that does not end is ended. */
export function onStop(stop: () => void): void {
  let stopping = false;
  const begin = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), STOP_GRACE_MS).unref();
    stop();
    if (process.connected) process.disconnect();
  };
  process.on('SIGTERM', begin);
  process.on('disconnect', begin);
  // Ctrl-C reaches the whole group; the launcher decides the order.
  process.on('SIGINT', () => {});
}
