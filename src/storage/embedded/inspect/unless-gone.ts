/** For a store in use, whose files may vanish after they have been listed. */

import { systemCodeOf } from '../../../lib/errors.ts';

/** Undefined when the file is not there, also where that is the cause of the error. */
export async function unlessGone<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

export function isGone(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return systemCodeOf(error) === 'ENOENT' || systemCodeOf(cause) === 'ENOENT';
}
