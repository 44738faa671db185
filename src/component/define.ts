/** A component is data: a type, a schema and a `create`. Defining one and adding its line to
 *  `registry.ts` is all it takes; the schema is its type, its check, its defaults and its
 *  documentation. `create` opens nothing: sockets, files and timers belong into `start`. */
import type { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Ack, Need, Offer } from './ack.ts';
import type { Batch, Consumer, NextConsumers, Signal } from './consumer.ts';
import type { Host } from './host.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { SendingSettings } from './sending.ts';
import type { ComponentTelemetry } from './telemetry.ts';

export type Stability = 'stable' | 'beta' | 'alpha' | 'development';

export interface CreateContext<Config> {
  readonly config: Config;
  /** As written in the configuration: `otlp`, `otlp/second`. */
  readonly id: string;
  readonly telemetry: ComponentTelemetry;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly host: Host;
}

interface Definition<Config> {
  readonly type: string;
  /** Older names of the type, accepted with a warning. */
  readonly aliases?: readonly string[];
  readonly stability: Stability;
  /** What it does, one sentence. */
  readonly summary: string;
  /** Strict object: unknown keys fail. `{}` stands for an empty section. */
  readonly config: z.ZodType<Config>;
  /** What must be lent to it; checked by `validate`, and such lenders start first. */
  needs?(config: Config): readonly Need[];
}

/** Created once per id and shared by every pipeline and signal that names it. */
export type Receiver = Lifecycle;
export interface ReceiverContext<Config> extends CreateContext<Config> {
  readonly next: NextConsumers;
}
export interface ReceiverDefinition<Config = unknown> extends Definition<Config> {
  readonly signals: readonly Signal[];
  create(context: ReceiverContext<Config>): Receiver;
}

/** Created once per pipeline that names it. */
export type Processor<B extends Batch = Batch> = Lifecycle & Consumer<B>;
export interface ProcessorContext<Config, B extends Batch> extends CreateContext<Config> {
  readonly signal: Signal;
  readonly next: Consumer<B>;
}
export interface ProcessorDefinition<
  Config = unknown,
  B extends Batch = Batch,
> extends Definition<Config> {
  readonly signals: readonly Signal[];
  /** Left out: it answers when the next consumer did. */
  ack?(config: Config): Ack;
  create(context: ProcessorContext<Config, B>): Processor<B>;
}

/** Created once per signal and id, shared by the pipelines of that signal. */
export type Exporter<B extends Batch = Batch> = Lifecycle & Consumer<B>;
export interface ExporterContext<Config> extends CreateContext<Config> {
  readonly signal: Signal;
}
export interface ExporterDefinition<
  Config = unknown,
  B extends Batch = Batch,
> extends Definition<Config> {
  readonly signals: readonly Signal[];
  /** Of sending once; a queue before it answers earlier. */
  ack(config: Config): Ack;
  /** Timeout, retries and queue that the runtime puts around it; left out: none. */
  sending?(config: Config): SendingSettings;
  /** It listens or locks something: on a reload its successor starts after it has stopped. */
  readonly isExclusive?: boolean;
  create(context: ExporterContext<Config>): Exporter<B>;
}

/** The exporter of one pipeline and the receiver of another. Created once per (from, to, id). */
export type Connector<B extends Batch = Batch> = Lifecycle & Consumer<B>;
export interface ConnectorContext<Config, Out extends Batch> extends CreateContext<Config> {
  readonly from: Signal;
  readonly to: Signal;
  readonly next: Consumer<Out>;
}
export interface ConnectorDefinition<
  Config = unknown,
  In extends Batch = Batch,
  Out extends Batch = Batch,
> extends Definition<Config> {
  readonly routes: readonly { readonly from: Signal; readonly to: Signal }[];
  ack?(config: Config): Ack;
  create(context: ConnectorContext<Config, Out>): Connector<In>;
}

/** Created once per id that `service::extensions` names; started before and stopped after every
 *  pipeline. */
export type Extension = Lifecycle;
export interface ExtensionDefinition<Config = unknown> extends Definition<Config> {
  /** What it will lend, told from its configuration alone. */
  offers?(config: Config, id: string): readonly Offer[];
  create(context: CreateContext<Config>): Extension;
}

// The functions below only carry types: they tie `create` to its schema, and return the definition
// with its own types forgotten, which is what the registry and the runtime work with.

export function defineReceiver<C>(definition: ReceiverDefinition<C>): ReceiverDefinition {
  return definition;
}

export function defineProcessor<C, B extends Batch = Batch>(
  definition: ProcessorDefinition<C, B>,
): ProcessorDefinition {
  return definition;
}

export function defineExporter<C, B extends Batch = Batch>(
  definition: ExporterDefinition<C, B>,
): ExporterDefinition {
  return definition;
}

export function defineConnector<C, In extends Batch = Batch, Out extends Batch = Batch>(
  definition: ConnectorDefinition<C, In, Out>,
): ConnectorDefinition {
  return definition;
}

export function defineExtension<C>(definition: ExtensionDefinition<C>): ExtensionDefinition {
  return definition;
}
