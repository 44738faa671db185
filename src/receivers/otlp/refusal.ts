/** What a client is told when its request is not accepted: one place decides whether it may try
 *  again, and both transports say so in their own words (OTLP specification, "Failures"). */

import { AuthError } from '../../component/auth/authenticator.ts';
import { CompressionError, type CompressionErrorCode } from '../../lib/compression/error.ts';
import { SpoorError } from '../../lib/errors.ts';
import { WireError } from '../../wire/wire-error.ts';

export const GrpcCode = {
  ok: 0,
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

export type OtlpErrorCode =
  /** Larger than the limit: the same request will never fit. */
  | 'too_large'
  /** Too many bytes are being handled already. */
  | 'overloaded'
  /** The bytes are not what they are said to be: framing, an ending. */
  | 'bad_request'
  /** No such method, or no pipeline takes this signal. */
  | 'not_served'
  /** The client's own deadline has passed. */
  | 'deadline'
  /** The client went away. */
  | 'cancelled';

export class OtlpError extends SpoorError<OtlpErrorCode> {}

export interface Refusal {
  readonly grpcCode: number;
  readonly httpStatus: number;
  readonly message: string;
  /** Set when, and only when, the client should send the same again. */
  readonly retryAfterMs: number | undefined;
}

const RETRY_AFTER_MS = 1000;

const BY_CODE: Record<OtlpErrorCode, readonly [grpcCode: number, httpStatus: number]> = {
  too_large: [GrpcCode.resourceExhausted, 413],
  overloaded: [GrpcCode.resourceExhausted, 503],
  bad_request: [GrpcCode.invalidArgument, 400],
  not_served: [GrpcCode.unimplemented, 404],
  deadline: [GrpcCode.deadlineExceeded, 503],
  cancelled: [GrpcCode.cancelled, 503],
};

const BY_COMPRESSION: Record<CompressionErrorCode, readonly [number, number]> = {
  unknown_encoding: [GrpcCode.unimplemented, 400],
  too_large: BY_CODE.too_large,
  damaged: BY_CODE.bad_request,
};

export function refusalOf(error: unknown): Refusal {
  if (error instanceof WireError) {
    return {
      grpcCode: GrpcCode.invalidArgument,
      httpStatus: 400,
      message: error.message,
      retryAfterMs: undefined,
    };
  }
  if (error instanceof OtlpError) {
    const [grpcCode, httpStatus] = BY_CODE[error.code];
    return { grpcCode, httpStatus, message: error.message, retryAfterMs: retryAfter(error) };
  }
  if (error instanceof CompressionError) {
    const [grpcCode, httpStatus] = BY_COMPRESSION[error.code];
    return { grpcCode, httpStatus, message: error.message, retryAfterMs: undefined };
  }
  if (error instanceof AuthError) return ofAuthentication(error);
  if (error instanceof SpoorError) return ofPipeline(error);
  // A fault nobody foresaw: refusing for good would lose the data, and its text is not for clients.
  const message = 'not accepted because of an internal error';
  return { grpcCode: GrpcCode.unavailable, httpStatus: 503, message, retryAfterMs: RETRY_AFTER_MS };
}

function ofAuthentication(error: AuthError): Refusal {
  const { message } = error;
  return error.retryable
    ? { grpcCode: GrpcCode.unavailable, httpStatus: 503, message, retryAfterMs: retryAfter(error) }
    : { grpcCode: GrpcCode.unauthenticated, httpStatus: 401, message, retryAfterMs: undefined };
}

function ofPipeline(error: SpoorError): Refusal {
  const { message } = error;
  if (!error.retryable) {
    return { grpcCode: GrpcCode.internal, httpStatus: 500, message, retryAfterMs: undefined };
  }
  const isFull = error.code === 'full' || error.code === 'overloaded';
  const grpcCode = isFull ? GrpcCode.resourceExhausted : GrpcCode.unavailable;
  return { grpcCode, httpStatus: 503, message, retryAfterMs: retryAfter(error) };
}

function retryAfter(error: SpoorError): number | undefined {
  return error.retryable ? (error.retryAfterMs ?? RETRY_AFTER_MS) : undefined;
}
