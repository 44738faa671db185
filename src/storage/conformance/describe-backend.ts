/** What a storage backend promises, one case a sentence of the contract. A backend's own test calls
 *  `describeBackend` once for every state its data can be in (in memory, in files, merged files).
 *  Each case writes under a tenant of its own, so that all share one open backend. */

import { afterAll, beforeAll, describe } from 'vitest';
import type { StorageBackend } from '../contract.ts';
import { describeAggregates } from './aggregates.ts';
import { describeLists } from './lists.ts';
import { describeMaintenance } from './maintenance.ts';
import { describeRoundTrip } from './round-trip.ts';
import { describeSearch } from './search.ts';
import { describeSearchOracle } from './search-oracle.ts';
import type { Subject } from './subject.ts';

export interface OpenedBackend {
  readonly backend: StorageBackend;
  /** Closes it and opens it again on the same data; absent when data does not outlive a close. */
  readonly reopen?: () => Promise<StorageBackend>;
  /** Closes and removes everything. */
  readonly destroy: () => Promise<void>;
}

/** Random data sets of the search cases. */
const ROUNDS = Number(process.env['SPOOR_CONFORMANCE_ROUNDS'] ?? 4);

export function describeBackend(name: string, open: () => Promise<OpenedBackend>): void {
  describe(`storage backend ${name}`, () => {
    let opened: OpenedBackend;
    let backend: StorageBackend;
    let tenants = 0;
    beforeAll(async () => {
      opened = await open();
      backend = opened.backend;
    });
    afterAll(() => opened.destroy());

    const subject: Subject = {
      backend: () => backend,
      newTenant: () => `tenant-${++tenants}`,
      reopen: () =>
        opened.reopen?.().then((reopened) => {
          backend = reopened;
        }),
    };
    describeRoundTrip(subject);
    describeLists(subject);
    describeAggregates(subject, ROUNDS);
    describeMaintenance(subject);
    describeSearch(subject);
    describeSearchOracle(subject, ROUNDS);
  });
}
