/** What the suite's cases have in common. */

import type { StorageBackend } from '../contract.ts';

/** The backend as a case sees it: the one that is open now, and a tenant for itself. */
export interface Subject {
  readonly backend: () => StorageBackend;
  readonly newTenant: () => string;
  /** Undefined where data does not outlive a close. */
  readonly reopen: () => Promise<void> | undefined;
}
