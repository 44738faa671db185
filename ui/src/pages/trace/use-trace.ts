/** Loads a trace through the worker: first the rows, a moment later what is derived from them. */
import { useCallback, useEffect, useState } from 'react';
import { ApiError, apiUrl } from '../../api/client.ts';
import { makeTraceModel, type TraceModel } from '../../model/trace-model.ts';
import type { TraceReply, TraceRequest } from '../../worker/trace-worker.ts';

export type Loading =
  | { readonly kind: 'loading' }
  | { readonly kind: 'loaded'; readonly model: TraceModel }
  | { readonly kind: 'failed'; readonly error: ApiError };

export function useTrace(traceId: string): {
  readonly loading: Loading;
  readonly retry: () => void;
} {
  const [attempt, setAttempt] = useState(0);
  const [answer, setAnswer] = useState<{ readonly key: string; readonly loading: Loading }>();
  const key = `${traceId}#${attempt}`;
  useEffect(() => {
    const worker = startWorker();
    const set = (change: (before: Loading) => Loading) =>
      setAnswer((before) => ({
        key,
        loading: change(before?.key === key ? before.loading : { kind: 'loading' }),
      }));
    worker.addEventListener('message', (event: MessageEvent<TraceReply>) => {
      const reply = event.data;
      set((before) => afterReply(before, reply));
      if (reply.kind !== 'columns') worker.terminate();
    });
    worker.addEventListener('error', (event) => {
      set(() => ({ kind: 'failed', error: new ApiError('failed', event.message) }));
    });
    const request: TraceRequest = { url: apiUrl(`api/spoor/traces/${traceId}`) };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has none
    worker.postMessage(request);
    return () => worker.terminate();
  }, [key, traceId]);
  const retry = useCallback(() => setAttempt((before) => before + 1), []);
  return { loading: answer?.key === key ? answer.loading : { kind: 'loading' }, retry };
}

function startWorker(): Worker {
  return new Worker(new URL('../../worker/trace-worker.ts', import.meta.url), { type: 'module' });
}

function afterReply(before: Loading, reply: TraceReply): Loading {
  switch (reply.kind) {
    case 'columns':
      return { kind: 'loaded', model: makeTraceModel(reply.columns) };
    case 'derived':
      if (before.kind !== 'loaded') return before;
      return { kind: 'loaded', model: { ...before.model, derived: reply.derived } };
    case 'error':
      return { kind: 'failed', error: new ApiError(reply.error.kind, reply.error.message) };
  }
}
