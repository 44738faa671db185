/** Between lines of OTLP JSON and Parquet: what an export ends with, and an import begins with. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { gather } from '../../model/batch/gather.ts';
import { DEFAULT_TENANT } from '../../model/batch/span-batch.ts';
import { ParquetExport } from '../../storage/embedded/encode/parquet-export.ts';
import { realFileSystem, writeAll } from '../../storage/embedded/file-system.ts';
import { ParquetFile } from '../../storage/embedded/parquet/parquet-file.ts';
import { readRowGroup } from '../../storage/embedded/read/row-group-batch.ts';
import { decodeTracesJson } from '../../wire/otlp-json/decode.ts';
import { encodeTraces } from '../../wire/otlp-json/encode.ts';
import { linesOf } from './lines.ts';

/** Spans of a row group that become one line. */
const LINE_SPANS = 1000;

export function isParquet(path: string): boolean {
  return path.endsWith('.parquet');
}

/** Writes the lines of one file as the other. */
export async function linesToParquet(
  from: string,
  to: string,
  tenant = DEFAULT_TENANT,
): Promise<void> {
  const file = await open(to, 'w');
  try {
    let position = 0;
    const parquet = new ParquetExport(
      async (parts) => {
        position = await writeAll(realFileSystem, file.fd, { parts, position });
      },
      { tenant, nowMs: Date.now() },
    );
    for await (const line of linesOf(createReadStream(from))) {
      await parquet.add(decodeTracesJson(line, tenant));
    }
    await parquet.finish();
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Lines of OTLP JSON of the spans of a file that was exported, or of a store's segment. */
export async function* parquetLines(path: string): AsyncGenerator<Uint8Array> {
  const file = ParquetFile.open(path);
  try {
    for (let rowGroup = 0; rowGroup < file.footer.rowGroups.length; rowGroup++) {
      const batch = readRowGroup(file, rowGroup);
      for (let row = 0; row < batch.count; row += LINE_SPANS) {
        const length = Math.min(LINE_SPANS, batch.count - row);
        const rows = Uint32Array.from({ length }, (_, i) => row + i);
        yield Buffer.from(`${encodeTraces([gather(batch, rows)])}\n`);
      }
    }
  } finally {
    file.close();
  }
}
