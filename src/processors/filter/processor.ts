/** Drops spans, events and whole resources that a condition is true of. Order: resources, spans,
 *  events. A span keeps its place when all its events go. */
import type { Consumer } from '../../component/consumer.ts';
import { defineProcessor, type ProcessorContext } from '../../component/define.ts';
import { compileFilter } from '../../filter/evaluate.ts';
import { includeExclude } from '../../filter/match-properties.ts';
import { messageOf } from '../../lib/errors.ts';
import { gather, keepEvents } from '../../model/batch/gather.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { readResource, SpanView } from '../../model/batch/view.ts';
import { compileCondition, type Predicate } from '../../ottl/compile.ts';
import type { Context } from '../../ottl/context.ts';
import { resourceContext } from '../../ottl/contexts/resource.ts';
import { eventItems, spanEventContext } from '../../ottl/contexts/span-event.ts';
import { spanContext } from '../../ottl/contexts/span.ts';
import {
  type ConditionContext,
  type ConditionSource,
  conditionsOf,
  FilterConfig,
} from './config.ts';

export const component = defineProcessor<FilterConfig, SpanBatch>({
  type: 'filter',
  stability: 'beta',
  summary: 'Drops spans, events and resources by condition.',
  signals: ['traces'],
  config: FilterConfig,
  create: (context) => new Filter(context),
});

class Filter implements Consumer<SpanBatch> {
  readonly #context: ProcessorContext<FilterConfig, SpanBatch>;
  readonly #isResourceGone;
  readonly #isSpanGone;
  readonly #isEventGone;
  readonly #isChosen;

  constructor(context: ProcessorContext<FilterConfig, SpanBatch>) {
    this.#context = context;
    const sources = conditionsOf(context.config);
    this.#isResourceGone = this.#any(sources, 'resource', resourceContext);
    this.#isSpanGone = this.#any(sources, 'span', spanContext);
    this.#isEventGone = this.#any(sources, 'spanevent', spanEventContext);
    const { include, exclude } = context.config.spans ?? {};
    const chosen = includeExclude(include, exclude);
    this.#isChosen = chosen && compileFilter(chosen);
  }

  async consume(batch: SpanBatch, signal: AbortSignal): Promise<void> {
    const rows = this.#keptRows(batch);
    this.#count(batch.count - rows.length);
    if (rows.length === 0) return;
    const kept = rows.length === batch.count ? batch : gather(batch, rows);
    await this.#context.next.consume(this.#withoutEvents(kept), signal);
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

  #any<Item>(
    sources: readonly ConditionSource[],
    wanted: ConditionContext,
    context: Context<Item>,
  ): Predicate<Item> | undefined {
    const predicates = sources
      .filter(({ context: of }) => of === wanted)
      .map(({ text, mode }) => this.#tolerant(compileCondition(text, context), text, mode));
    if (predicates.length === 0) return undefined;
    return (item) => predicates.some((predicate) => predicate(item));
  }

  /** A condition that fails is true of nothing, unless its error is to go to the sender. */
  #tolerant<Item>(
    predicate: Predicate<Item>,
    text: string,
    mode: ConditionSource['mode'],
  ): Predicate<Item> {
    if (mode === 'propagate') return predicate;
    return (item) => {
      try {
        return predicate(item);
      } catch (error) {
        const fields = { condition: text, reason: messageOf(error) };
        if (mode === 'ignore') this.#context.logger.debug(fields, 'a filter condition failed');
        return false;
      }
    };
  }

  #count(spans: number): void {
    if (spans === 0) return;
    this.#context.telemetry
      .counter({
        name: 'otelcol_processor_filter_spans_filtered_total',
        help: 'Number of spans dropped by the filter processor.',
        labels: ['filter'],
      })
      .labels({ filter: this.#context.id })
      .inc(spans);
  }
}
