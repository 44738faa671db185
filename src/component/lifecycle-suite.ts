/** The promises of `lifecycle.ts`, asked of a real component. `registry.test.ts` runs every case
 *  over every registered component, so a new one is covered by being registered. The cases need no
 *  test framework: they throw. */
import assert from 'node:assert/strict';
import type { Batch, Consumer } from './consumer.ts';
import { guardedConsumer, Supervised, type Lifecycle } from './lifecycle.ts';

export interface LifecycleSubject {
  /** A fresh component, never started. */
  create(): Lifecycle & Partial<Consumer<Batch>>;
  /** A batch it may be given; undefined for components that consume nothing. */
  readonly batch: Batch | undefined;
}

export interface LifecycleCase {
  readonly title: string;
  run(subject: LifecycleSubject): Promise<void>;
}

const never = new AbortController().signal;

export const lifecycleCases: readonly LifecycleCase[] = [
  {
    title: 'is created without opening anything',
    async run(subject) {
      const before = openCount();
      subject.create();
      assert.equal(openCount(), before);
    },
  },
  {
    title: 'starts, stops, and leaves nothing running',
    async run(subject) {
      const before = openCount();
      const supervised = new Supervised(subject.create());
      await supervised.start(never);
      assert.equal(supervised.state, 'running');
      await supervised.stop(never);
      assert.equal(supervised.state, 'stopped');
      await closed(before);
    },
  },
  {
    title: 'can be stopped twice',
    async run(subject) {
      const supervised = new Supervised(subject.create());
      await supervised.start(never);
      await Promise.all([supervised.stop(never), supervised.stop(never)]);
      await supervised.stop(never);
      assert.equal(supervised.state, 'stopped');
    },
  },
  {
    title: 'can be stopped without having been started',
    async run(subject) {
      const supervised = new Supervised(subject.create());
      await supervised.stop(never);
      assert.equal(supervised.state, 'stopped');
      await assert.rejects(supervised.start(never), { code: 'not_running' });
    },
  },
  {
    title: 'takes nothing after it was stopped, and says so retryably',
    async run(subject) {
      const component = subject.create();
      const consume = component.consume?.bind(component);
      if (!consume || !subject.batch) return;
      const consumer = { ...lifecycleOf(component), consume };
      const supervised = new Supervised(consumer);
      await supervised.start(never);
      await supervised.stop(never);
      const guarded = guardedConsumer('subject', supervised);
      await assert.rejects(guarded.consume(subject.batch, never), {
        code: 'not_running',
        retryable: true,
      });
    },
  },
];

function lifecycleOf(component: Lifecycle): Lifecycle {
  return {
    start: async (signal) => component.start?.(signal),
    stop: async (signal) => component.stop?.(signal),
  };
}

/** Sockets, servers and workers of the process. Timers are not counted: the suite's own clock is
 *  manual, and a test runner has timers of its own. */
function openCount(): number {
  const counted = /^(TCP|UDP|Pipe|Worker|Process|FSEvent|HTTP)/;
  return process.getActiveResourcesInfo().filter((name) => counted.test(name)).length;
}

/** Closing a handle completes a turn or two of the event loop after its promise. */
async function closed(before: number): Promise<void> {
  for (let turn = 0; turn < 200 && openCount() > before; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.ok(openCount() <= before, `still open: ${process.getActiveResourcesInfo().join(', ')}`);
}
