/** Requests to the API beside this page. Every failure becomes an ApiError that says what kind it
 *  is, since each kind has its own remedy on the page. */

export type ApiErrorKind = 'unreachable' | 'notFound' | 'refused' | 'failed';

export class ApiError extends Error {
  readonly kind: ApiErrorKind;
  readonly hint: string | undefined;

  constructor(kind: ApiErrorKind, message: string, hint?: string) {
    super(message);
    this.name = 'ApiError';
    this.kind = kind;
    this.hint = hint;
  }
}

/** Relative to <base>, so that the UI works below a path prefix. */
export function apiUrl(path: string, query: Readonly<Record<string, string>> = {}): string {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}

export async function getJson<T>(url: string, signal: AbortSignal): Promise<T> {
  const response = await get(url, signal);
  try {
    // The API and this page come from one build and share #contract: nothing to check again.
    const body: T = await response.json();
    return body;
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new ApiError('failed', `${new URL(url).pathname} did not answer JSON`);
  }
}

export async function getBytes(url: string, signal?: AbortSignal): Promise<ArrayBuffer> {
  const response = await get(url, signal);
  return response.arrayBuffer();
}

async function get(url: string, signal: AbortSignal | undefined): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, signal === undefined ? {} : { signal });
  } catch (cause) {
    if (signal?.aborted === true) throw cause;
    throw new ApiError('unreachable', cause instanceof Error ? cause.message : String(cause));
  }
  if (response.ok) return response;
  const { message, hint } = errorOf(await response.text());
  throw new ApiError(kindOf(response.status), message ?? `HTTP ${response.status}`, hint);
}

function kindOf(status: number): ApiErrorKind {
  if (status === 404) return 'notFound';
  if (status >= 502 && status <= 504) return 'unreachable';
  return status < 500 ? 'refused' : 'failed';
}

interface ErrorBody {
  readonly error?: { readonly message?: string; readonly hint?: string };
  readonly errors?: readonly { readonly msg?: string; readonly hint?: string }[];
}

/** Both envelopes in use: `{error:{message}}` and the legacy `{errors:[{msg}]}`. */
function errorOf(body: string): { message: string | undefined; hint: string | undefined } {
  let parsed: ErrorBody | null;
  try {
    parsed = JSON.parse(body);
  } catch {
    return { message: undefined, hint: undefined };
  }
  const first = parsed?.errors?.[0];
  return {
    message: parsed?.error?.message ?? first?.msg,
    hint: parsed?.error?.hint ?? first?.hint,
  };
}
