/** The one base of every error this program raises on purpose. A code for tests and callers to
 *  compare, whether trying again can help, and a hint that tells the operator what to do. Each
 *  layer declares its own child beside its contract, with its codes as a string-literal union. */

export interface SpoorErrorOptions {
  /** True when the same call may succeed later without anybody changing it. */
  readonly retryable?: boolean | undefined;
  /** How long a caller should wait before trying again; only meaningful when retryable. */
  readonly retryAfterMs?: number | undefined;
  /** What the operator can do about it, as one sentence without a full stop. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

export class SpoorError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly hint: string | undefined;

  constructor(code: Code, message: string, options: SpoorErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.hint = options.hint;
  }
}

/** Whether sending the same data again may help. Unknown errors count as retryable: refusing data
 *  for good because of a fault nobody foresaw would lose it. */
export function isRetryable(error: unknown): boolean {
  return error instanceof SpoorError ? error.retryable : true;
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node system error (`EADDRINUSE`), or undefined. */
export function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
