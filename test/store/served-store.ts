/** A real server on a disk of a test's choosing: what it is sent, what it has acknowledged, and whether
 *  it has that still. */

import { Client, credentials, status as GrpcStatus } from '@grpc/grpc-js';
import { expect } from 'vitest';
import { FREE_PORTS, SpoorProcess } from '../cli/spoor-process.ts';

export function startServer(data: string, env: Record<string, string> = {}): SpoorProcess {
  return new SpoorProcess(FREE_PORTS, { ...env, SPOOR_DATA_DIR: data });
}

const traceIdOf = (number: number) => (0xabc000 + number).toString(16).padStart(32, '1');

/** Text that does not shrink, so that a few thousand of them fill a disk. */
function noise(number: number): string {
  let state = number + 1;
  return Array.from({ length: 12_000 }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return String.fromCodePoint(33 + ((state >> 16) % 90));
  }).join('');
}

function exportRequest(number: number) {
  const startNano = BigInt(Date.now()) * 1_000_000n;
  const span = {
    traceId: traceIdOf(number),
    spanId: '051581bf3cb55c13',
    name: 'GET /cart',
    startTimeUnixNano: String(startNano),
    endTimeUnixNano: String(startNano + 5_000_000n),
    attributes: [{ key: 'noise', value: { stringValue: noise(number) } }],
  };
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] };
  return { resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] };
}

export class SentSpans {
  readonly acknowledged: number[] = [];
  readonly refused: number[] = [];
  #next = 0;

  async send(process: SpoorProcess): Promise<Response> {
    const number = this.#next++;
    const response = await fetch(`${await process.address('OTLP/HTTP')}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(exportRequest(number)),
    });
    await response.arrayBuffer();
    (response.status === 200 ? this.acknowledged : this.refused).push(number);
    return response;
  }

  /** Until one is refused. */
  async sendUntilFull(process: SpoorProcess): Promise<Response> {
    for (let i = 0; i < 5000; i++) {
      const response = await this.send(process);
      if (response.status !== 200) return response;
    }
    throw new Error('the disk was never full');
  }

  /** All that was acknowledged; what was refused is there as it was sent or not at all. */
  async expectAll(process: SpoorProcess): Promise<void> {
    const api = await process.address('UI and API');
    const read = async (number: number) => {
      const response = await fetch(`${api}/api/traces/${traceIdOf(number)}`);
      return { status: response.status, text: await response.text() };
    };
    const isIn = (text: string, number: number) => text.includes(JSON.stringify(noise(number)));
    for (const number of this.acknowledged) {
      expect(isIn((await read(number)).text, number), `trace ${number}`).toBe(true);
    }
    for (const number of this.refused) {
      const { status, text } = await read(number);
      expect(status === 404 || isIn(text, number), `trace ${number}`).toBe(true);
    }
  }
}

/** The status of an export of nothing that can be stored: one span by OTLP/gRPC. */
export async function grpcStatus(process: SpoorProcess): Promise<number> {
  const address = (await process.address('OTLP/gRPC')).replace(/^https?:\/\//, '');
  const client = new Client(address, credentials.createInsecure());
  const field = (number: number, bytes: Uint8Array) =>
    Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
  const span = Buffer.concat([
    field(1, Buffer.from('ab'.repeat(16), 'hex')),
    field(2, Buffer.from('cd'.repeat(8), 'hex')),
  ]);
  const request = field(1, field(2, field(2, span)));
  try {
    return await new Promise((resolve) => {
      client.makeUnaryRequest(
        '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        request,
        (error) => resolve(error?.code ?? GrpcStatus.OK),
      );
    });
  } finally {
    client.close();
  }
}

/** What the process says of itself, with the reason. */
export async function healthOf(process: SpoorProcess): Promise<{ status: number; text: string }> {
  const address = await process.address('health');
  const response = await fetch(address.startsWith('http') ? address : `http://${address}`);
  return { status: response.status, text: await response.text() };
}
