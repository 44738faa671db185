/** Where on its way a batch is acknowledged, told per pipeline by `validate` and at start. A
 *  component that answers only after the next one did forwards; one that answers earlier ends the
 *  way of the acknowledgement, and what it holds is lost by a crash. */
export type Ack =
  | { readonly kind: 'forwards' }
  | { readonly kind: 'durable'; readonly where: string }
  | { readonly kind: 'memory'; readonly where: string }
  | { readonly kind: 'peer'; readonly where: string }
  | { readonly kind: 'discarded'; readonly where: string }
  /** As the named thing that an extension lends acknowledges. */
  | { readonly kind: 'lent'; readonly what: string; readonly name: string };

/** A thing an extension lends by configuration, known before anything is created. */
export interface Offer {
  /** The `name` of the capability. */
  readonly what: string;
  readonly name: string;
  /** Of things that take data. */
  readonly ack?: Ack;
}

/** A thing a component cannot start without. */
export interface Need {
  readonly what: string;
  readonly name: string;
  /** Where in the component's own section the name is written, for messages. */
  readonly path: readonly string[];
}
