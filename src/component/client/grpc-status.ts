/** How gRPC says what became of a call: status codes and what they mean for sending again (OTLP
 *  specification, "Failures": RESOURCE_EXHAUSTED only with a RetryInfo). */

const NAMES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

export const GrpcStatus = { unknown: 2, resourceExhausted: 8, unavailable: 14 } as const;

/** CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS. */
const RETRYABLE: ReadonlySet<number> = new Set([1, 4, 10, 11, 14, 15]);

/** What an answer without a `grpc-status` stands for: a proxy gave it. */
const BY_HTTP: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};

export function statusName(code: number): string {
  return NAMES[code] ?? `status ${code}`;
}

export function isRetryableStatus(code: number, isThrottled: boolean): boolean {
  return RETRYABLE.has(code) || (code === GrpcStatus.resourceExhausted && isThrottled);
}

export function statusOfHttp(httpStatus: number): number {
  return BY_HTTP[httpStatus] ?? GrpcStatus.unknown;
}

/** `grpc-message` is percent-encoded UTF-8; what is not stays as it is. */
export function messageText(header: string): string {
  try {
    return decodeURIComponent(header);
  } catch {
    return header;
  }
}
