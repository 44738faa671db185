/** How much of the machine queries may take. Ingest comes first: they leave it a core and most of
 *  the memory. */

import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import type { QueryProcessSettings } from './query/query-process.ts';
import type { ReaderSettings } from './read/file-reader.ts';

const MIB = 2 ** 20;
const RESULT_BYTES_MAX = 256 * MIB;
const TIME_LIMIT_MS = 30_000;

export function querySettings(directory: string): QueryProcessSettings {
  const memoryBytes = Math.min(1024 * MIB, Math.max(256 * MIB, Math.floor(totalmem() / 4)));
  return {
    threads: Math.max(1, availableParallelism() - 1),
    memoryBytes,
    rssBytesMax: memoryBytes * 2,
    resultBytesMax: RESULT_BYTES_MAX,
    tempDirectory: join(directory, 'tmp'),
    directories: [directory],
    concurrency: 4,
    waitingMax: 256,
    timeLimitMs: TIME_LIMIT_MS,
  };
}

export function readerSettings(): ReaderSettings {
  return { waitingMax: 256, timeLimitMs: TIME_LIMIT_MS, resultBytesMax: RESULT_BYTES_MAX };
}
