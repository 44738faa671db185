/** Error codes to HTTP statuses: the one table. */

import { SpoorError } from '../lib/errors.ts';

const STATUSES: Readonly<Record<string, number>> = {
  bad_request: 400,
  invalid: 400,
  bad_regex: 400,
  forbidden: 403,
  not_found: 404,
  unsupported: 501,
  unavailable: 503,
  full: 503,
  timeout: 504,
};

export function statusOf(error: unknown): number {
  return error instanceof SpoorError ? (STATUSES[error.code] ?? 500) : 500;
}
