/** The counters of tail sampling, under the Collector's names. */

import type { ComponentTelemetry } from '../../component/telemetry.ts';
import type { Vote } from './trace.ts';

const PREFIX = 'otelcol_processor_tail_sampling_';

const MILLISECONDS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000];
const SECONDS = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000];
const MICROSECONDS = [
  1, 2, 5, 10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 2000, 3000, 4000, 5000, 10_000,
  20_000, 30_000, 50_000,
];

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
  readonly #policyLatency;
  readonly #lateAge;
  readonly #removalAge;

  constructor(telemetry: ComponentTelemetry, processor: string) {
    this.#telemetry = telemetry;
    this.#processor = processor;
    this.#policyLatency = this.#histogram(
      'sampling_decision_latency',
      'Microseconds that a policy took for a trace.',
      { labels: ['policy'], buckets: MICROSECONDS },
    );
    this.#lateAge = this.#histogram(
      'sampling_late_span_age',
      'Seconds from the decision of a remembered trace to spans of it that came later.',
      { labels: [], buckets: SECONDS },
    );
    this.#removalAge = this.#histogram(
      'sampling_trace_removal_age',
      'Seconds from the first span of a trace until it was forgotten.',
      { labels: [], buckets: SECONDS },
    );
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

  policyTook(policy: string, ms: number): void {
    this.#policyLatency
      .labels({ processor: this.#processor, policy })
      .observe(Math.round(ms * 1000));
  }

  lateSpans(ageMs: number): void {
    this.#lateAge.labels({ processor: this.#processor }).observe(Math.floor(ageMs / 1000));
  }

  removed(ageMs: number): void {
    this.#removalAge.labels({ processor: this.#processor }).observe(Math.floor(ageMs / 1000));
  }

  decisionTook(ms: number): void {
    const help = 'Milliseconds that the decisions of one tick took.';
    this.#histogram('sampling_decision_timer_latency', help, { labels: [], buckets: MILLISECONDS })
      .labels({ processor: this.#processor })
      .observe(ms);
  }

  #histogram(
    name: string,
    help: string,
    { labels, buckets }: { labels: readonly string[]; buckets: readonly number[] },
  ) {
    return this.#telemetry.histogram({
      name: `${PREFIX}${name}`,
      help,
      labels: ['processor', ...labels],
      buckets,
    });
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
