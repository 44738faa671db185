/** The counters of tail sampling, under the Collector's names. */

import type { ComponentTelemetry } from '../../component/telemetry.ts';
import type { Vote } from './trace.ts';

const PREFIX = 'otelcol_processor_tail_sampling_';

/** A vote turned round counts as what it comes to. */
const outcomes: Readonly<Record<Vote, { isSampled: boolean; decision: string }>> = {
  sampled: { isSampled: true, decision: 'sampled' },
  invert_sampled: { isSampled: true, decision: 'sampled' },
  not_sampled: { isSampled: false, decision: 'not_sampled' },
  invert_not_sampled: { isSampled: false, decision: 'not_sampled' },
  dropped: { isSampled: false, decision: 'dropped' },
};

export class TailSamplingMetrics {
  readonly #telemetry: ComponentTelemetry;
  readonly #processor: string;

  constructor(telemetry: ComponentTelemetry, processor: string) {
    this.#telemetry = telemetry;
    this.#processor = processor;
  }

  newTrace(): void {
    this.#counter('new_trace_id_received', 'Traces whose first span has come.').inc();
  }

  droppedTooEarly(): void {
    this.#counter(
      'sampling_trace_dropped_too_early',
      'Traces given up before they were decided.',
    ).inc();
  }

  tooLarge(): void {
    this.#counter('traces_dropped_too_large', 'Traces dropped for their size.').inc();
  }

  cachedRelease(spans: number): void {
    this.#counter('early_releases_from_cache_decision', 'Spans decided by a decision cache.').inc(
      spans,
    );
  }

  evaluationError(): void {
    this.#counter('sampling_policy_evaluation_error', 'Policies that failed to evaluate.').inc();
  }

  lost(spans: number): void {
    this.#counter(
      'spans_lost',
      'Sampled spans that could not be passed on, or were pending at stop.',
    ).inc(spans);
  }

  voted(policy: string, vote: Vote): void {
    const names = ['policy', 'sampled', 'decision'];
    const { isSampled, decision } = outcomes[vote];
    this.#labelled('count_traces_sampled', 'Traces by policy and vote.', names)
      .labels({ processor: this.#processor, policy, sampled: String(isSampled), decision })
      .inc();
  }

  decided(isSampled: boolean, spans: number): void {
    const labels = { processor: this.#processor, sampled: String(isSampled) };
    this.#labelled('global_count_traces_sampled', 'Traces by decision.', ['sampled'])
      .labels(labels)
      .inc();
    this.droppedOrPassed(isSampled, spans);
  }

  /** Late spans follow a decision without being a trace of their own. */
  droppedOrPassed(isSampled: boolean, spans: number): void {
    this.#labelled('count_spans_sampled', 'Spans by decision.', ['sampled'])
      .labels({ processor: this.#processor, sampled: String(isSampled) })
      .inc(spans);
  }

  inMemory(traces: number, bytes: number): void {
    this.#gauge('sampling_traces_on_memory', 'Traces remembered now.').set(traces);
    this.#gauge('held_bytes', 'Bytes of undecided spans.').set(bytes);
  }

  decisionTook(ms: number): void {
    this.#telemetry
      .histogram({
        name: `${PREFIX}sampling_decision_timer_latency`,
        help: 'Milliseconds that the decisions of one tick took.',
        labels: ['processor'],
        buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000],
      })
      .labels({ processor: this.#processor })
      .observe(ms);
  }

  #counter(name: string, help: string) {
    return this.#labelled(name, help, []).labels({ processor: this.#processor });
  }

  #labelled(name: string, help: string, labels: readonly string[]) {
    return this.#telemetry.counter({
      name: `${PREFIX}${name}`,
      help,
      labels: ['processor', ...labels],
    });
  }

  #gauge(name: string, help: string) {
    return this.#telemetry
      .gauge({ name: `${PREFIX}${name}`, help, labels: ['processor'] })
      .labels({ processor: this.#processor });
  }
}
