/** Settings of the embedded store. */

import { z } from 'zod';
import { byteSize, duration } from '../../config/kinds.ts';

export const EmbeddedConfig = z.strictObject({
  directory: z.string().min(1).default('data').describe('Where the spans lie.'),
  retention: z
    .strictObject({
      max_age: duration().prefault('168h').describe('Remove spans stored longer ago.'),
      max_bytes: byteSize().prefault('10GB').describe('Remove the oldest above this many bytes.'),
      red_max_age: duration()
        .prefault('2160h')
        .describe('Keep rates, errors and durations of removed spans for this long.'),
      red_max_bytes: byteSize()
        .prefault('1GB')
        .describe('Remove the oldest days of these above this many bytes.'),
    })
    .prefault({}),
  dedup: z
    .strictObject({
      window: duration()
        .prefault('10m')
        .describe(
          'A span sent again within this time is stored once; later ones are counted as spoor_storage_repeated_spans_total.',
        ),
      max_spans: z
        .int()
        .positive()
        .default(1_000_000)
        .describe('Spans to remember at most, however short the window then is.'),
    })
    .prefault({}),
  flush_spans: z
    .int()
    .positive()
    .max(131_072)
    .default(32_768)
    .describe('Write a row group when this many spans wait.'),
  flush_interval: duration().prefault('5m').describe('Write one at least this often.'),
  stitch_row_groups: z
    .int()
    .min(2)
    .max(256)
    .default(32)
    .describe('Make one segment of this many row groups.'),
  max_unflushed_bytes: byteSize()
    .prefault('96MiB')
    .describe('Memory for spans that are in no file yet; writers wait above it.'),
});

export type EmbeddedConfig = z.infer<typeof EmbeddedConfig>;
