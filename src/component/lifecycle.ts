/** Starting and stopping. The promises are kept here, once, so that a component only says what it
 *  opens and what it closes: nothing is started twice, stop may come twice or without a start, and
 *  a consumer that has been stopped refuses instead of losing data. */
import { admitThrough, PipelineError, type Batch, type Consumer } from './consumer.ts';

export interface Lifecycle {
  /** Opens sockets, timers and workers. Whoever starts one stops it in `stop`. The signal is
   *  aborted when start-up is given up. */
  start?(signal: AbortSignal): Promise<void>;
  /** Takes nothing new, finishes or hands on what is held, closes everything. Not called when
   *  `start` did not run. The signal is aborted at the shutdown deadline: drop the rest then. */
  stop?(signal: AbortSignal): Promise<void>;
}

type State = 'created' | 'starting' | 'running' | 'stopping' | 'stopped';

/** One component under supervision of the runtime. */
export class Supervised<T extends Lifecycle> {
  readonly component: T;
  #state: State = 'created';
  #stopped: Promise<void> | undefined;

  constructor(component: T) {
    this.component = component;
  }

  get state(): State {
    return this.#state;
  }

  async start(signal: AbortSignal): Promise<void> {
    if (this.#state !== 'created') {
      throw new PipelineError('not_running', `cannot start: already ${this.#state}`);
    }
    this.#state = 'starting';
    await this.component.start?.(signal);
    this.#state = 'running';
  }

  /** Also after a failed start, so that what it had opened before failing is closed. */
  stop(signal: AbortSignal): Promise<void> {
    if (this.#state === 'created') this.#state = 'stopped';
    if (this.#state === 'stopped') return this.#stopped ?? Promise.resolve();
    this.#stopped ??= this.#stopOnce(signal);
    return this.#stopped;
  }

  async #stopOnce(signal: AbortSignal): Promise<void> {
    this.#state = 'stopping';
    try {
      await this.component.stop?.(signal);
    } finally {
      this.#state = 'stopped';
    }
  }
}

/** A consumer that refuses, retryably, unless the component behind it runs. Everything upstream has
 *  flushed by the time it stops, so refusing while it does so loses nothing. */
export function guardedConsumer<T extends Batch>(
  id: string,
  supervised: Supervised<Lifecycle & Consumer<T>>,
): Consumer<T> {
  return {
    ...admitThrough(supervised.component),
    async consume(batch, signal) {
      const { state } = supervised;
      if (state !== 'running') {
        throw new PipelineError('not_running', `${id} is ${state}`, {
          retryable: true,
          retryAfterMs: 1000,
        });
      }
      await supervised.component.consume(batch, signal);
    },
  };
}
