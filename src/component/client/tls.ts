/** A client's TLS: what does not change, and what is renewed with the files. */
import type { ConnectionOptions, SecureContextOptions } from 'node:tls';
import type { TlsClientConfig } from '../../config/tls.ts';
import type { CreateContext } from '../define.ts';
import { TlsRenewal } from '../tls/renewal.ts';

export type ClientContext = Pick<CreateContext<unknown>, 'clock' | 'logger' | 'host'>;

export class ClientTls {
  readonly #config: TlsClientConfig | undefined;
  readonly #renewal: TlsRenewal | undefined;
  #context: SecureContextOptions = { minVersion: 'TLSv1.2' };

  /** @param onRenewed what new connections are to use */
  constructor(
    config: TlsClientConfig | undefined,
    context: ClientContext,
    onRenewed: (options: ConnectionOptions) => void = () => {},
  ) {
    this.#config = config;
    this.#renewal =
      config &&
      new TlsRenewal(config, context, (renewed) => {
        this.#context = renewed;
        onRenewed(this.options);
      });
  }

  /** @throws PipelineError when a file is missing or no use */
  async start(): Promise<ConnectionOptions> {
    if (this.#renewal !== undefined) this.#context = await this.#renewal.start();
    return this.options;
  }

  stop(): void {
    this.#renewal?.stop();
  }

  /** For the next connection. */
  get options(): ConnectionOptions {
    const name = this.#config?.server_name_override;
    return {
      ...this.#context,
      rejectUnauthorized: this.#config?.insecure_skip_verify !== true,
      ...(name === undefined ? {} : { servername: name }),
    };
  }
}
