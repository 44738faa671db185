/** Fetches and decodes a trace off the page's thread: first the columns, so that rows appear, then
 *  what takes longer. Buffers are handed over, not copied. */

import { ApiError, getBytes } from '../api/client.ts';
import { criticalByRow } from '../model/critical-spans.ts';
import { binMinimap } from '../model/minimap.ts';
import { type Derived, isErrorRow } from '../model/trace-model.ts';
import { decodeTraceColumns, type TraceColumns } from '../../../src/model/trace/columns.ts';
import { criticalPath } from '../../../src/model/trace/critical-path.ts';
import { selfTimes } from '../../../src/model/trace/self-time.ts';

export interface TraceRequest {
  readonly url: string;
}

export type TraceReply =
  | { readonly kind: 'columns'; readonly columns: TraceColumns }
  | { readonly kind: 'derived'; readonly derived: Derived }
  | {
      readonly kind: 'error';
      readonly error: { readonly kind: ApiError['kind']; readonly message: string };
    };

self.addEventListener('message', (event: MessageEvent<TraceRequest>) => {
  void load(event.data.url);
});

async function load(url: string): Promise<void> {
  try {
    const columns = decodeTraceColumns(new Uint8Array(await getBytes(url)));
    // The page gets its own copy: this one is still needed here, and a copy takes a millisecond.
    reply({ kind: 'columns', columns }, []);
    const derived = derive(columns);
    const { critical, selfTimes: self, minimap } = derived;
    reply({ kind: 'derived', derived }, [
      critical.offsets.buffer,
      critical.starts.buffer,
      critical.ends.buffer,
      self.buffer,
      minimap.cells.buffer,
      minimap.errors.buffer,
    ]);
  } catch (error) {
    const kind = error instanceof ApiError ? error.kind : 'failed';
    const message = error instanceof Error ? error.message : String(error);
    reply({ kind: 'error', error: { kind, message } }, []);
  }
}

function derive(columns: TraceColumns): Derived {
  return {
    critical: criticalByRow(criticalPath(columns), columns.count),
    selfTimes: selfTimes(columns),
    minimap: binMinimap(columns, (row) => isErrorRow(columns, row)),
  };
}

function reply(message: TraceReply, transfer: Transferable[]): void {
  self.postMessage(message, { transfer });
}
