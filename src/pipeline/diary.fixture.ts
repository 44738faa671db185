/** Components that write down what happens to them, and a runtime of such. */
import { expect } from 'vitest';
import { z } from 'zod';
import type { NextConsumers } from '../component/consumer.ts';
import {
  defineConnector,
  defineExporter,
  defineExtension,
  defineProcessor,
  defineReceiver,
} from '../component/define.ts';
import { capability } from '../component/host.ts';
import type { Lifecycle } from '../component/lifecycle.ts';
import type { Registry } from '../component/registry.ts';
import { isMap, parseYaml } from '../config/yaml.ts';
import { silentLogger } from '../lib/logger.ts';
import { ManualClock } from '../lib/manual-clock.ts';
import { Runtime } from './runtime.ts';
import { readSettings, type Settings } from './settings.ts';
import { validateSettings } from './validate.ts';

const anySignal = ['traces', 'metrics', 'logs'] as const;
const thing = capability<string>('thing');

/** Components that write down what happens to them. */
export class Diary {
  readonly lines: string[] = [];
  readonly nexts = new Map<string, NextConsumers>();
  /** What consumers of these ids do instead of accepting. */
  readonly consume = new Map<string, () => Promise<void>>();
  /** Ids that fail to start. */
  readonly broken = new Map<string, Error>();
  /** Ids whose `create` throws. */
  readonly uncreatable = new Set<string>();
  /** What a start, or a stop, of these ids waits for. */
  readonly starting = new Map<string, Promise<void>>();
  readonly stopping = new Map<string, () => Promise<void>>();

  lifecycle(id: string): Lifecycle {
    if (this.uncreatable.has(id)) throw new Error('no such thing');
    return {
      start: async () => {
        await this.starting.get(id);
        const error = this.broken.get(id);
        if (error) throw error;
        this.lines.push(`+${id}`);
      },
      stop: async () => {
        await this.stopping.get(id)?.();
        this.lines.push(`-${id}`);
      },
    };
  }

  registry(): Registry {
    const base = {
      type: 'x',
      stability: 'stable',
      summary: '',
      config: z.strictObject({ mark: z.string().optional() }),
    } as const;
    const signals = anySignal;
    const receiver = defineReceiver({
      ...base,
      signals,
      create: ({ id, next }) => {
        this.nexts.set(id, next);
        return this.lifecycle(id);
      },
    });
    const processor = defineProcessor({
      ...base,
      signals,
      create: ({ id, signal, next }) => {
        this.lines.push(`create ${signal} ${id}`);
        return { ...this.lifecycle(id), consume: async (batch, at) => next.consume(batch, at) };
      },
    });
    const exporter = defineExporter({
      ...base,
      signals,
      ack: () => ({ kind: 'discarded', where: 'test' }),
      create: ({ id, signal }) => {
        this.lines.push(`create ${signal} ${id}`);
        return {
          ...this.lifecycle(id),
          consume: async (batch) => {
            await this.consume.get(id)?.();
            this.lines.push(`${id} got ${batch.count}`);
          },
        };
      },
    });
    const connector = defineConnector({
      ...base,
      routes: [{ from: 'traces', to: 'traces' }],
      create: ({ id, next }) => ({
        ...this.lifecycle(id),
        consume: async (batch, at) => next.consume(batch, at),
      }),
    });
    const lender = defineExtension({
      ...base,
      offers: () => [{ what: 'thing', name: 'one', ack: { kind: 'forwards' } }],
      create: ({ id, host }) => {
        host.lend(thing, 'one', 'lent');
        return this.lifecycle(id);
      },
    });
    const borrower = defineExtension({
      ...base,
      needs: () => [{ what: 'thing', name: 'one', path: [] }],
      create: ({ id, host }) => ({
        start: async () => void this.lines.push(`+${id} ${host.find(thing, 'one')}`),
        stop: async () => void this.lines.push(`-${id}`),
      }),
    });
    return {
      receivers: { r: async () => ({ component: receiver }) },
      processors: { p: async () => ({ component: processor }) },
      exporters: {
        e: async () => ({ component: exporter }),
        disk: async () => ({ component: { ...exporter, isExclusive: true } }),
      },
      connectors: { c: async () => ({ component: connector }) },
      extensions: {
        lender: async () => ({ component: lender }),
        borrower: async () => ({ component: borrower }),
      },
    };
  }
}

export async function settingsOf(yaml: string, diary: Diary): Promise<Settings> {
  const tree = parseYaml(yaml);
  const reading = await readSettings(isMap(tree) ? tree : {}, diary.registry());
  expect([...reading.problems, ...validateSettings(reading)]).toEqual([]);
  return reading.settings;
}

export async function runtimeOf(yaml: string, diary: Diary): Promise<Runtime> {
  return new Runtime({
    settings: await settingsOf(yaml, diary),
    logger: silentLogger,
    clock: new ManualClock(),
    version: '1.2.3',
    onFatal: () => {},
  });
}
