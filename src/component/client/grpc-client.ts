/** Unary gRPC calls with ready-made bytes to one peer. Failures say whether the same call may be
 *  made again (OTLP specification, "Failures": RESOURCE_EXHAUSTED only with a RetryInfo). */
import {
  type CallOptions,
  type ChannelCredentials,
  Client,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { grpcTarget } from './config.ts';
import { PeerError } from './error.ts';
import type { TlsClientConfig } from '../../config/tls.ts';
import { tlsOptions } from './tls.ts';

const GZIP = 2;
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

const RETRYABLE: ReadonlySet<status> = new Set([
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
  status.ABORTED,
  status.OUT_OF_RANGE,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

export interface GrpcClientSettings {
  readonly endpoint: string;
  readonly tls?: TlsClientConfig | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'gzip' | 'none' | '';
  readonly wait_for_ready: boolean;
  readonly authority?: string | undefined;
}

/** Reads how long to wait from `grpc-status-details-bin`. */
export type ReadDetails = (bytes: Uint8Array) => { readonly retryAfterMs?: number | undefined };

export class GrpcClient {
  readonly #settings: GrpcClientSettings;
  readonly #client: Client;
  readonly #readDetails: ReadDetails;

  /** Connects when the first call is made. */
  constructor(settings: GrpcClientSettings, readDetails: ReadDetails) {
    this.#settings = settings;
    this.#readDetails = readDetails;
    const { authority, compression } = settings;
    this.#client = new Client(
      grpcTarget(settings.endpoint)?.address ?? '',
      credentialsOf(settings),
      {
        'grpc.primary_user_agent': 'spoor',
        'grpc.max_receive_message_length': ANSWER_BYTES_MAX,
        'grpc.max_send_message_length': -1,
        ...(compression === 'gzip' ? { 'grpc.default_compression_algorithm': GZIP } : {}),
        ...(authority === undefined ? {} : { 'grpc.default_authority': authority }),
      },
    );
  }

  /** The bytes of the answer; rejects with a PeerError. */
  call(path: string, request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const options: CallOptions = {};
    const metadata = new Metadata({ waitForReady: this.#settings.wait_for_ready });
    for (const [name, value] of Object.entries(this.#settings.headers)) metadata.set(name, value);
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        path,
        (bytes: Uint8Array) => Buffer.from(bytes),
        (answer: Buffer) => answer,
        request,
        metadata,
        options,
        (error, answer) => {
          signal.removeEventListener('abort', cancel);
          if (error === null) resolve(answer ?? new Uint8Array(0));
          else reject(signal.aborted ? signal.reason : this.#failure(error));
        },
      );
      const cancel = (): void => call.cancel();
      if (signal.aborted) cancel();
      signal.addEventListener('abort', cancel, { once: true });
    });
  }

  close(): void {
    this.#client.close();
  }

  #failure(error: ServiceError): PeerError {
    const { retryAfterMs } = this.#detailsOf(error);
    const isThrottled = error.code === status.RESOURCE_EXHAUSTED && retryAfterMs !== undefined;
    const isRetryable = RETRYABLE.has(error.code) || isThrottled;
    const isReached = error.code !== status.UNAVAILABLE;
    const code = isRetryable && !isReached ? 'unreachable' : 'busy';
    const said = `${status[error.code]}: ${error.details}`;
    return new PeerError(
      isRetryable ? code : 'rejected',
      `${this.#settings.endpoint} answered ${said}`,
      {
        retryable: isRetryable,
        retryAfterMs,
        cause: error,
      },
    );
  }

  #detailsOf(error: ServiceError): { readonly retryAfterMs?: number | undefined } {
    const [details] = error.metadata.get('grpc-status-details-bin');
    return Buffer.isBuffer(details) ? this.#readDetails(details) : {};
  }
}

function credentialsOf({ endpoint, tls }: GrpcClientSettings): ChannelCredentials {
  const isPlain = grpcTarget(endpoint)?.isPlain ?? tls?.insecure === true;
  if (isPlain) return credentials.createInsecure();
  const { ca, cert, key, rejectUnauthorized } = tlsOptions(tls);
  const bytes = (value: unknown): Buffer | null => (Buffer.isBuffer(value) ? value : null);
  return credentials.createSsl(bytes(ca), bytes(key), bytes(cert), { rejectUnauthorized });
}
