/** What the tools ask of a running server (`spoor store export`, `import`, `delete`): stored traces as
 *  lines of OTLP JSON, in and out, and their deletion. Every request shows the secret that stands in
 *  the store's directory, readable by its owner alone: whoever may read the files may ask this, and
 *  nobody else may, wherever the server listens; no page in a browser can. */

import { createHash, timingSafeEqual } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { allOf } from '../../filter/ast.ts';
import { messageOf, SpoorError } from '../../lib/errors.ts';
import { concat } from '../../model/batch/gather.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { QueryError } from '../../query/error.ts';
import { searchFilter } from '../../query/search-filter.ts';
import { parseStructuredFilter } from '../../query/structured-filter/parse.ts';
import type { TraceMaintenance, TracesToDelete } from '../../storage/contract.ts';
import { decodeTracesJson } from '../../wire/otlp-json/decode.ts';
import { encodeTraces } from '../../wire/otlp-json/encode.ts';
import {
  type DeletionLine,
  ExportRequest,
  type ImportResponse,
  StoreSelection,
} from '../contract.ts';
import type { QueryServerOptions } from './options.ts';
import { queryOf, signalOf } from './request.ts';

const CURSOR_HEADER = 'spoor-cursor';
const REACHED_HEADER = 'spoor-reached';
const LINES_TYPE = 'application/x-ndjson';

/** Not `authorization`: the server may want that for itself. */
const SECRET_HEADER = 'spoor-store-secret';
/** One trace is one line: a large one has to fit. */
const IMPORT_BYTES_MAX = 256 * 1024 * 1024;
/** A hundred thousand ids. */
const SELECTION_BYTES_MAX = 8 * 1024 * 1024;
/** Stored together: a line by itself would be looked for in every file, and wait for the disk. */
const IMPORT_SPANS = 10_000;
const UNSIGNED_MAX = 2n ** 64n - 1n;
/** Of a page of an export, which its reader holds in memory; a trace with more is a page. */
const PAGE_SPANS_MAX = 100_000;

const PART_CHARACTERS = 256 * 1024;

type Selection = z.output<typeof StoreSelection>;

export function storeRoutes(
  routes: FastifyInstance,
  options: QueryServerOptions,
  onDeleted: () => void,
): void {
  const { maintenance } = options;
  const { door } = maintenance ?? {};
  if (maintenance === undefined || door === undefined) return;
  routes.addHook('onRequest', async (request) => requireSecret(request, door.secret));
  routes.addContentTypeParser(
    LINES_TYPE,
    { parseAs: 'buffer', bodyLimit: IMPORT_BYTES_MAX },
    (_request, body, done) => done(null, body),
  );
  routes.get('/status', async () => ({ ok: true }));
  routes.post('/export', { bodyLimit: SELECTION_BYTES_MAX }, async (request, reply) => {
    const { selection, cursor, limit } = parseBody(ExportRequest, request);
    const page = await pageOf(options, selection, { cursor, limit, signal: signalOf(reply) });
    if (page.cursor !== undefined) reply.header(CURSOR_HEADER, page.cursor);
    if (page.reached !== undefined) reply.header(REACHED_HEADER, page.reached);
    return reply.type(LINES_TYPE).send(Readable.from(linesOf(page.traces)));
  });
  routes.post('/import', async (request, reply) => {
    const query = queryOf(request);
    const tenant = query.get('tenant') ?? options.tenant;
    const firstLine = Number(query.get('first_line') ?? 1);
    const lines = request.body instanceof Uint8Array ? splitLines(request.body) : [];
    return importLines(maintenance, { lines, firstLine, tenant, signal: signalOf(reply) });
  });
  routes.post('/delete', { bodyLimit: SELECTION_BYTES_MAX }, async (request, reply) => {
    const selection = parseBody(StoreSelection, request);
    const which = chosenBy(selection);
    const tenant = selection.tenant ?? options.tenant;
    const lines = deletionLines(maintenance, {
      tenant,
      which,
      signal: signalOf(reply),
      onDeleted,
    });
    return reply.type(LINES_TYPE).send(Readable.from(lines));
  });
}

/** Compared by their hashes: how long it takes tells nothing. */
function requireSecret({ headers }: FastifyRequest, secret: string): void {
  const given = String(headers[SECRET_HEADER] ?? '');
  const hash = (text: string) => createHash('sha256').update(text).digest();
  if (timingSafeEqual(hash(given), hash(secret))) return;
  throw new QueryError('forbidden', 'this is for who can read the directory of the store', {
    hint: 'run `spoor store` as the user that runs the server, on its machine',
  });
}

function parseBody<T>(schema: z.ZodType<T>, { body }: FastifyRequest): T {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new QueryError('bad_request', z.prettifyError(parsed.error));
  return parsed.data;
}

function chosenBy(selection: Selection): TracesToDelete {
  const { traceIds, startNano, endNano, minDurationNano, maxDurationNano } = selection;
  if (traceIds !== undefined) return { traceIds };
  const fields = searchFilter({
    service: selection.service,
    operation: selection.operation,
    tags: selection.attributes,
    minDurationNano: minDurationNano === undefined ? undefined : BigInt(minDurationNano),
    maxDurationNano: maxDurationNano === undefined ? undefined : BigInt(maxDurationNano),
  });
  const structured =
    selection.filter === undefined ? undefined : parseStructuredFilter(selection.filter);
  const filter = allOf([fields, structured]);
  const range = { startNano: BigInt(startNano ?? 0), endNano: BigInt(endNano ?? UNSIGNED_MAX) };
  return { filter, range };
}

interface Page {
  readonly traces: AsyncIterable<SpanBatch>;
  readonly cursor?: string | undefined;
  readonly reached?: string | undefined;
}

interface PageOptions {
  readonly cursor: string | undefined;
  readonly limit: number;
  readonly signal: AbortSignal;
}

async function pageOf(
  { reader, tenant: usual }: QueryServerOptions,
  selection: Selection,
  { cursor, limit, signal }: PageOptions,
): Promise<Page> {
  const tenant = selection.tenant ?? usual;
  const which = chosenBy(selection);
  if ('traceIds' in which) {
    const refs = which.traceIds.map((traceId) => ({ traceId }));
    return { traces: reader.getTraces(tenant, refs, signal) };
  }
  const query = { tenant, ...which, cursor, limit };
  let page = await reader.findTraces(query, signal);
  const fitting = tracesThatFit(page.traces);
  if (fitting < page.traces.length) {
    page = await reader.findTraces({ ...query, limit: fitting }, signal);
  }
  if (page.warnings.length > 0) {
    throw new QueryError('incomplete', `the search is not whole: ${page.warnings.join('; ')}`, {
      hint: 'run `spoor store check` to see what is damaged',
    });
  }
  const traces = reader.getTraces(tenant, page.traces, signal);
  return { traces, cursor: page.cursor, reached: page.traces.at(-1)?.startNano.toString() };
}

/** How many of them, at least one. */
function tracesThatFit(traces: readonly { readonly spanCount: number }[]): number {
  let spans = 0;
  const first = traces.findIndex(({ spanCount }) => (spans += spanCount) > PAGE_SPANS_MAX);
  return first < 0 ? traces.length : Math.max(first, 1);
}

/** Some lines at once: each part of an answer has a cost of its own. */
async function* linesOf(traces: AsyncIterable<SpanBatch>): AsyncGenerator<Buffer> {
  let lines = '';
  for await (const batch of traces) {
    lines += `${encodeTraces([batch])}\n`;
    if (lines.length < PART_CHARACTERS) continue;
    yield Buffer.from(lines);
    lines = '';
  }
  if (lines !== '') yield Buffer.from(lines);
}

const NEWLINE = 0x0a;

/** Views; empty ones are left out. */
function splitLines(body: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < body.length;) {
    const found = body.indexOf(NEWLINE, start);
    const end = found < 0 ? body.length : found;
    if (end > start) lines.push(body.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

interface Import {
  readonly lines: readonly Uint8Array[];
  /** Number of the first one, for messages. */
  readonly firstLine: number;
  readonly tenant: string;
  readonly signal: AbortSignal;
}

async function importLines(
  maintenance: TraceMaintenance,
  { lines, firstLine, tenant, signal }: Import,
): Promise<ImportResponse> {
  let stored = 0;
  let known = 0;
  let batches: SpanBatch[] = [];
  let spans = 0;
  const store = async () => {
    if (batches.length === 0) return;
    const joined = concat(batches);
    batches = [];
    spans = 0;
    const counts = await maintenance.importTraces(joined, signal);
    stored += counts.stored;
    known += counts.known;
  };
  try {
    for (const [i, line] of lines.entries()) {
      const batch = decodeLine(line, firstLine + i, tenant);
      batches.push(batch);
      spans += batch.count;
      if (spans >= IMPORT_SPANS) await store();
    }
  } finally {
    // Also what stands before a line that is bad.
    await store();
  }
  return { lines: lines.length, stored, known };
}

function decodeLine(line: Uint8Array, number: number, tenant: string): SpanBatch {
  try {
    return decodeTracesJson(line, tenant);
  } catch (cause) {
    const message = `line ${number}: ${messageOf(cause)}`;
    throw new QueryError('bad_request', message, { cause });
  }
}

interface Deletion {
  readonly tenant: string;
  readonly which: TracesToDelete;
  readonly signal: AbortSignal;
  /** Traces are hidden from now on: nobody may answer from memory. */
  readonly onDeleted: () => void;
}

/** A line for each step; what goes wrong is one too, since the answer has begun by then. */
async function* deletionLines(
  maintenance: TraceMaintenance,
  { tenant, which, signal, onDeleted }: Deletion,
): AsyncGenerator<string> {
  let wake = () => {};
  let last: DeletionLine = { stage: 'hidden', traces: 0, spans: 0 };
  const lines: DeletionLine[] = [];
  const tell = (line: DeletionLine) => {
    if (line.stage === 'hidden') onDeleted();
    last = line;
    lines.push(line);
    wake();
  };
  maintenance.deleteTraces(tenant, which, { signal, onProgress: tell }).then(
    (counts) => tell({ ...counts, stage: 'done' }),
    (error: unknown) => tell({ ...last, stage: 'failed', ...failure(error) }),
  );
  for (;;) {
    const line = lines.shift();
    if (line === undefined) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      continue;
    }
    yield `${JSON.stringify(line)}\n`;
    if (line.stage === 'done' || line.stage === 'failed') return;
  }
}

function failure(error: unknown): { error: string; hint?: string } {
  const hint = error instanceof SpoorError ? error.hint : undefined;
  return { error: messageOf(error), ...(hint === undefined ? {} : { hint }) };
}
