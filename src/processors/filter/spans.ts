/** Filtering of spans. Order: resources, spans, events. A span keeps its place when all its events
 *  go. */
import { compileFilter } from '../../filter/evaluate.ts';
import { includeExclude } from '../../filter/match-properties.ts';
import { gather, keepEvents } from '../../model/batch/gather.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { readResource, SpanView } from '../../model/batch/view.ts';
import { resourceContext } from '../../ottl/contexts/resource.ts';
import { eventItems, spanEventContext } from '../../ottl/contexts/span-event.ts';
import { spanContext } from '../../ottl/contexts/span.ts';
import type { Conditions } from './conditions.ts';
import type { FilterConfig } from './config.ts';

export class SpanFilter {
  readonly #isResourceGone;
  readonly #isSpanGone;
  readonly #isEventGone;
  readonly #isChosen;

  constructor({ spans }: FilterConfig, conditions: Conditions) {
    this.#isResourceGone = conditions.any('resource', resourceContext);
    this.#isSpanGone = conditions.any('span', spanContext);
    this.#isEventGone = conditions.any('spanevent', spanEventContext);
    const chosen = includeExclude(spans?.include, spans?.exclude);
    this.#isChosen = chosen && compileFilter(chosen);
  }

  kept(batch: SpanBatch): SpanBatch {
    const rows = this.#keptRows(batch);
    return this.#withoutEvents(rows.length === batch.count ? batch : gather(batch, rows));
  }

  #keptRows(batch: SpanBatch): Uint32Array {
    const gone = this.#goneResources(batch);
    const { resources } = batch.spans.columns;
    const rows = new Uint32Array(batch.count);
    const view = new SpanView(batch);
    let kept = 0;
    for (let row = 0; row < batch.count; row++) {
      view.at(row);
      if (gone.has(resources[row] ?? 0) || this.#isSpanGone?.(view) === true) continue;
      if (this.#isChosen?.(view) === false) continue;
      rows[kept++] = row;
    }
    return rows.subarray(0, kept);
  }

  #goneResources(batch: SpanBatch): ReadonlySet<number> {
    const gone = new Set<number>();
    if (this.#isResourceGone === undefined) return gone;
    for (let row = 0; row < batch.resources.count; row++) {
      if (this.#isResourceGone(readResource(batch, row))) gone.add(row);
    }
    return gone;
  }

  #withoutEvents(batch: SpanBatch): SpanBatch {
    const isGone = this.#isEventGone;
    if (isGone === undefined || batch.events.count === 0) return batch;
    const isKept = new Uint8Array(batch.events.count);
    const view = new SpanView(batch);
    let at = 0;
    for (let row = 0; row < batch.count; row++) {
      for (const item of eventItems(view.at(row))) isKept[at++] = isGone(item) ? 0 : 1;
    }
    return isKept.includes(0) ? keepEvents(batch, isKept) : batch;
  }
}
