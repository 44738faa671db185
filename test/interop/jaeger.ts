/** Reads traces through Jaeger's query API as a client nobody here wrote would, and lays the spans
 *  out flat for assertions. Fresh spans may take a moment, so every question is asked until the
 *  answer holds or a generous bound is over. */
const FOUND_WITHIN_MS = 45_000;
const ASK_EVERY_MS = 100;

type Tag = { readonly key: string; readonly type: string; readonly value: unknown };
type JaegerSpan = {
  readonly traceID: string;
  readonly spanID: string;
  readonly operationName: string;
  readonly processID: string;
  readonly startTime: number;
  readonly duration: number;
  readonly references: readonly { refType: string; traceID: string; spanID: string }[];
  readonly tags: readonly Tag[];
  readonly logs: readonly { readonly fields: readonly Tag[] }[];
};
type JaegerTrace = {
  readonly traceID: string;
  readonly spans: readonly JaegerSpan[];
  readonly processes: Readonly<Record<string, { serviceName: string; tags: readonly Tag[] }>>;
};

export type Span = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly service: string;
  readonly name: string;
  readonly kind: unknown;
  readonly startUs: number;
  readonly endUs: number;
  readonly tags: Readonly<Record<string, unknown>>;
  readonly types: Readonly<Record<string, string>>;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly events: readonly Readonly<Record<string, unknown>>[];
  readonly links: readonly string[];
};

export class JaegerApi {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** One trace by its id, once `isComplete` says so. */
  async trace(traceId: string, isComplete: (spans: Span[]) => boolean): Promise<Span[]> {
    return this.#ask(`/api/traces/${traceId}`, isComplete);
  }

  /** The newest spans of the traces that a service is part of, once `isComplete` says so. */
  async spansOf(service: string, isComplete: (spans: Span[]) => boolean): Promise<Span[]> {
    const query = new URLSearchParams({ service, limit: '1000', lookback: '1h' });
    return this.#ask(`/api/traces?${query.toString()}`, isComplete);
  }

  /** The OTLP JSON of one trace, as api_v3 gives it. */
  async otlp(traceId: string): Promise<unknown> {
    const response = await fetch(`${this.#url}/api/v3/traces/${traceId}`);
    if (!response.ok) throw new Error(`api_v3: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async #ask(path: string, isComplete: (spans: Span[]) => boolean): Promise<Span[]> {
    const giveUpAt = Date.now() + FOUND_WITHIN_MS;
    for (;;) {
      const response = await fetch(this.#url + path);
      const body = await response.text();
      const spans = response.ok ? flatten(body) : [];
      if (isComplete(spans)) return spans;
      if (Date.now() > giveUpAt) {
        const got = spans.map(({ service, name, kind }) => `${service}: ${name} (${String(kind)})`);
        throw new Error(`${path} answered ${response.status} with ${got.join(', ') || body}`);
      }
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    }
  }
}

function flatten(body: string): Span[] {
  const { data } = JSON.parse(body) as { data: JaegerTrace[] | null };
  return (data ?? []).flatMap((trace) => trace.spans.map((span) => flatSpan(trace, span)));
}

function flatSpan({ processes }: JaegerTrace, span: JaegerSpan): Span {
  const process = processes[span.processID];
  const tags = values(span.tags);
  return {
    traceId: span.traceID,
    spanId: span.spanID,
    parentId: span.references.find(({ refType }) => refType === 'CHILD_OF')?.spanID,
    service: process?.serviceName ?? 'none',
    name: span.operationName,
    kind: tags['span.kind'],
    startUs: span.startTime,
    endUs: span.startTime + span.duration,
    tags,
    types: Object.fromEntries(span.tags.map(({ key, type }) => [key, type])),
    resource: values(process?.tags ?? []),
    events: span.logs.map(({ fields }) => values(fields)),
    links: span.references
      .filter(({ refType }) => refType !== 'CHILD_OF')
      .map(({ spanID }) => spanID),
  };
}

function values(tags: readonly Tag[]): Record<string, unknown> {
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]));
}

/** The one span of that service and name, or an error that lists what is there. */
export function spanOf(spans: readonly Span[], service: string, name: string | RegExp): Span {
  const matches = (span: Span): boolean =>
    span.service === service &&
    (typeof name === 'string' ? span.name === name : name.test(span.name));
  const found = spans.find(matches);
  if (found !== undefined) return found;
  const there = spans.map((span) => `${span.service}: ${span.name}`).join(', ');
  throw new Error(`no span ${name} of ${service} among ${there}`);
}
