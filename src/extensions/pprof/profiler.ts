/** Profiles of this process's main thread, taken by V8. One inspector session serves all; V8 has one
 *  CPU profiler, so those who ask at the same time are told to wait. */

import { Session, type HeapProfiler, type Profiler as Cpu } from 'node:inspector/promises';
import { getHeapSnapshot } from 'node:v8';
import type { Readable } from 'node:stream';

/** Go's rate: an allocation is seen about every so many bytes. */
const HEAP_INTERVAL_BYTES = 512 * 1024;
/** 100 samples a second, as Go takes them. */
export const CPU_INTERVAL_MICROS = 10_000;

export class Profiler {
  readonly #session = new Session();
  #isBusy = false;

  /** Heap profiles say where what is alive was allocated, so sampling begins here. */
  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.setSamplingInterval', { interval: CPU_INTERVAL_MICROS });
    await this.#session.post('HeapProfiler.startSampling', {
      samplingInterval: HEAP_INTERVAL_BYTES,
    });
  }

  stop(): void {
    this.#session.disconnect();
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Until the wait is over. The caller has looked at `isBusy`. */
  async cpu(wait: Promise<unknown>): Promise<Cpu.Profile> {
    this.#isBusy = true;
    try {
      await this.#session.post('Profiler.start');
      await wait;
      const { profile } = await this.#session.post('Profiler.stop');
      return profile;
    } finally {
      this.#isBusy = false;
    }
  }

  async heap(): Promise<HeapProfiler.SamplingHeapProfile> {
    const { profile } = await this.#session.post('HeapProfiler.getSamplingProfile');
    return profile;
  }

  /** Every object; the process stands still meanwhile and needs as much memory again. */
  heapSnapshot(): Readable {
    return getHeapSnapshot();
  }
}
