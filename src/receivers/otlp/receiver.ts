/** OTLP over gRPC and HTTP, the protocol every OpenTelemetry SDK speaks. Both servers are our own,
 *  on node:http2 and node:http: grpc-js cannot widen its flow-control windows and costs two and a
 *  half times the CPU of a handler that does only this. */

import { serverNeeds } from '../../component/auth/authenticator.ts';
import { defineReceiver, type ReceiverContext } from '../../component/define.ts';
import type { Lifecycle } from '../../component/lifecycle.ts';
import { OtlpConfig } from './config.ts';
import { Exports } from './exports.ts';
import { GrpcServer } from './grpc-server.ts';
import { HttpServer } from './http-server.ts';
import { InFlightBytes } from './in-flight.ts';

export const component = defineReceiver<OtlpConfig>({
  type: 'otlp',
  stability: 'stable',
  summary: 'Receives OTLP over gRPC and HTTP.',
  signals: ['traces', 'metrics', 'logs'],
  config: OtlpConfig,
  needs: ({ protocols: { grpc, http } }) => [
    ...serverNeeds(grpc, ['protocols', 'grpc']),
    ...serverNeeds(http, ['protocols', 'http']),
  ],
  create: (context) => new OtlpReceiver(context),
});

class OtlpReceiver implements Lifecycle {
  readonly #servers: readonly Required<Lifecycle>[];

  constructor(context: ReceiverContext<OtlpConfig>) {
    const { protocols, max_in_flight_size } = context.config;
    const inFlight = new InFlightBytes(max_in_flight_size);
    const servers: Required<Lifecycle>[] = [];
    if (protocols.grpc) {
      const exports = new Exports(context, 'grpc');
      servers.push(new GrpcServer({ config: protocols.grpc, context, exports, inFlight }));
    }
    if (protocols.http) {
      const exports = new Exports(context, 'http');
      servers.push(new HttpServer({ config: protocols.http, context, exports, inFlight }));
    }
    this.#servers = servers;
  }

  async start(signal: AbortSignal): Promise<void> {
    for (const server of this.#servers) await server.start(signal);
  }

  async stop(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop(signal)));
  }
}
