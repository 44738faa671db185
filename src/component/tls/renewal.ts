/** Certificates that are renewed while the process runs. The files are read again every
 *  `reload_interval`; when they say something else and it is sound, new connections use it. A change
 *  that is not sound (half written, key and certificate no pair) is logged once and the old one
 *  stays: a renewal never takes a server down. */
import type { SecureContextOptions } from 'node:tls';
import type { Clock, Timer } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import {
  contextOptions,
  readPems,
  validityWarning,
  type Pems,
  type TlsBlock,
} from './certificates.ts';

export interface RenewedTls extends TlsBlock {
  /** Absent on clients, whose authorities are looked at as the rest is. */
  readonly client_ca_file_reload?: boolean | undefined;
}

interface Around {
  readonly clock: Clock;
  readonly logger: Logger;
}

export class TlsRenewal {
  readonly #tls: RenewedTls;
  readonly #around: Around;
  readonly #onRenewed: (options: SecureContextOptions) => void;
  #pems: Pems = { ca: undefined, cert: undefined, key: undefined, clientCa: undefined };
  #timer: Timer | undefined;
  #lastProblem = '';

  constructor(tls: RenewedTls, around: Around, onRenewed: (options: SecureContextOptions) => void) {
    this.#tls = tls;
    this.#around = around;
    this.#onRenewed = onRenewed;
  }

  /** What to begin with.
   *  @throws PipelineError `bad_settings` */
  async start(): Promise<SecureContextOptions> {
    const tls = this.#tls;
    this.#pems = await readPems(tls);
    const options = contextOptions(tls, this.#pems);
    this.#warn(this.#pems);
    const hasFiles = [tls.ca_file, tls.cert_file, tls.key_file, tls.client_ca_file].some(Boolean);
    if (hasFiles && tls.reload_interval > 0) {
      this.#timer = this.#around.clock.every(tls.reload_interval, () => void this.look());
    }
    return options;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Reads the files again. Never rejects. */
  async look(): Promise<void> {
    const { logger } = this.#around;
    try {
      const read = await readPems(this.#tls);
      const keepsAuthority = this.#tls.client_ca_file_reload === false;
      const pems = keepsAuthority ? { ...read, clientCa: this.#pems.clientCa } : read;
      if (same(pems, this.#pems)) return;
      this.#onRenewed(contextOptions(this.#tls, pems));
      this.#pems = pems;
      this.#lastProblem = '';
      logger.info({ cert_file: this.#tls.cert_file }, 'the certificate was renewed');
      this.#warn(pems);
    } catch (error) {
      const problem = messageOf(error);
      if (problem === this.#lastProblem) return;
      this.#lastProblem = problem;
      logger.error({ problem }, 'a renewed certificate is not usable, the old one stays');
    }
  }

  #warn(pems: Pems): void {
    const { clock, logger } = this.#around;
    const warning = validityWarning(this.#tls, pems, clock.nowMs());
    if (warning !== undefined) logger.warn({}, warning);
  }
}

function same(one: Pems, other: Pems): boolean {
  return (
    one.ca === other.ca &&
    one.cert === other.cert &&
    one.key === other.key &&
    one.clientCa === other.clientCa
  );
}
