/** What a component needs around it in a test: a host that remembers, a consumer that records, and
 *  a context made of both. */
import { ManualClock } from '../lib/manual-clock.ts';
import { silentLogger } from '../lib/logger.ts';
import type { Batch, Consumer } from './consumer.ts';
import type { CreateContext } from './define.ts';
import type { Capability, Endpoint, Host } from './host.ts';
import { StatusBoard, type ComponentStatus } from './status.ts';
import { OwnMetrics } from './telemetry.ts';

/** Remembers what it was given, and refuses while `refuseWith` is set. */
export class RecordingConsumer<T extends Batch = Batch> implements Consumer<T> {
  readonly batches: T[] = [];
  refuseWith: Error | undefined;

  async consume(batch: T): Promise<void> {
    if (this.refuseWith) throw this.refuseWith;
    this.batches.push(batch);
  }

  get itemCount(): number {
    return this.batches.reduce((sum, batch) => sum + batch.count, 0);
  }
}

export class TestHost implements Host {
  readonly endpoints: Endpoint[] = [];
  readonly notices: string[] = [];
  readonly failures: unknown[] = [];
  readonly board = new StatusBoard(() => 0);
  readonly #lent = new Map<string, unknown>();

  lend<T>(what: Capability<T>, name: string, value: T): void {
    this.#lent.set(`${what.name}\n${name}`, value);
  }

  find<T>(what: Capability<T>, name: string): T | undefined {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- stored under the same capability by `lend`
    return this.#lent.get(`${what.name}\n${name}`) as T | undefined;
  }

  announce(endpoint: Endpoint): void {
    this.endpoints.push(endpoint);
  }

  notice(text: string): void {
    this.notices.push(text);
  }

  readonly reports: (readonly [ComponentStatus, string | undefined])[] = [];

  reportStatus(status: ComponentStatus, error?: string): void {
    this.reports.push([status, error]);
  }

  status() {
    return this.board.report();
  }

  fail(error: unknown): void {
    this.failures.push(error);
  }
}

export interface TestContext<Config> extends CreateContext<Config> {
  readonly clock: ManualClock;
  readonly host: TestHost;
}

export function testContext<Config>(config: Config, id = 'test'): TestContext<Config> {
  return {
    config,
    id,
    telemetry: new OwnMetrics().forComponent(id),
    logger: silentLogger,
    clock: new ManualClock(),
    host: new TestHost(),
  };
}
