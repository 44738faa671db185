/** An index that was made again says what the first one said. */

import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Chance, randomSpans } from '../../conformance/random-spans.ts';
import { spans } from '../../conformance/plain-spans.ts';
import { randomSpan, Random } from '../query/random-spans.fixture.ts';
import { StoredTenant } from '../query/stored-tenant.fixture.ts';
import type { DataFile } from '../manifest.ts';
import { ParquetFile } from '../parquet/parquet-file.ts';
import type { SegmentIndex } from '../segment-index.ts';
import { openIndex } from '../index-file.ts';
import { rebuildIndex } from './rebuild-index.ts';

const START = 1_731_000_000_000_000_000n;
const SEED = [1, 2] as const;

async function rebuilt({ path }: DataFile, seed: typeof SEED | undefined): Promise<SegmentIndex> {
  const file = ParquetFile.open(path);
  const again = `${path}.again`;
  writeFileSync(again, await rebuildIndex(file, { seed }));
  file.close();
  return openIndex(again);
}

/** Without what depends on the order in which rows came. */
function contentOf(index: SegmentIndex) {
  const positions = Array.from({ length: index.traceCount }, (_, position) => position);
  const { textKeys, ...header } = index.header;
  return {
    header,
    textKeys: new Map(Object.entries(textKeys).map(([column, keys]) => [column, new Set(keys)])),
    traces: positions.map((position) => {
      const { root, first, ...summary } = index.summaryAt(position);
      return {
        ...summary,
        missingParents: summary.missingParents.map(String).sort(),
        starts: [root?.startNano, first.startNano],
        rowGroups: index.rowGroupsAt(position),
      };
    }),
    hashes: Array.from(index.hashes(), String).sort(),
  };
}

describe('an index made from the Parquet file alone', () => {
  test('is that of the file, flushed or stitched', async () => {
    const store = new StoredTenant();
    try {
      const all = randomSpans(new Chance(3), {
        traces: 120,
        startNano: START,
        spreadNano: 600_000_000_000n,
      });
      const random = new Random(5);
      for (let part = 0; part < 6; part++) {
        const size = Math.ceil(all.length / 6);
        store.add(spans('t', all.slice(part * size, (part + 1) * size)));
        store.add(
          spans(
            't',
            Array.from({ length: 40 }, () => randomSpan(random)),
          ),
        );
        await store.flush();
      }
      for (const file of store.files) {
        expect(contentOf(await rebuilt(file, SEED))).toEqual(contentOf(file.index!));
      }
      await store.stitch(4);
      for (const file of store.files) {
        expect(contentOf(await rebuilt(file, undefined))).toEqual(contentOf(file.index!));
      }
      expect(store.files.map(({ rowGroups }) => rowGroups)).toEqual([2, 4]);
    } finally {
      await store.close();
    }
  }, 60_000);
});
