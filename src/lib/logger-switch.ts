/** A logger whose settings can be exchanged while others hold it and children of it. */
import type { Logger } from './logger.ts';

export class LoggerSwitch implements Logger {
  readonly #place: { current: Logger };
  readonly #fields: Record<string, unknown>;
  /** The child of the current logger that carries our fields, until the current one changes. */
  #bound: { readonly of: Logger; readonly logger: Logger } | undefined;

  /** @param place shared with the children */
  constructor(place: { current: Logger }, fields: Record<string, unknown> = {}) {
    this.#place = place;
    this.#fields = fields;
  }

  debug(fields: object, message: string): void {
    this.#logger.debug(fields, message);
  }

  info(fields: object, message: string): void {
    this.#logger.info(fields, message);
  }

  warn(fields: object, message: string): void {
    this.#logger.warn(fields, message);
  }

  error(fields: object, message: string): void {
    this.#logger.error(fields, message);
  }

  child(fields: Record<string, unknown>): Logger {
    return new LoggerSwitch(this.#place, { ...this.#fields, ...fields });
  }

  get #logger(): Logger {
    const { current } = this.#place;
    if (this.#bound?.of !== current) {
      const isBare = Object.keys(this.#fields).length === 0;
      this.#bound = { of: current, logger: isBare ? current : current.child(this.#fields) };
    }
    return this.#bound.logger;
  }
}
