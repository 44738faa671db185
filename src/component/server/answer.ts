/** Short answers in plain text, also while a body is still coming: the answer is whole at once, and
 *  the connection ends after what is still coming has passed by. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long a client that sent too much is listened to before the connection is cut. */
const DISCARD_MS_MAX = 5000;

export function answerPlain(
  request: IncomingMessage,
  response: ServerResponse,
  { status, text }: { readonly status: number; readonly text: string },
): void {
  const body = `${status} ${text}\n`;
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...(request.complete ? {} : { connection: 'close' }),
  });
  response.write(body);
  discardRest(request, () => response.end());
}

/** Lets what is still coming pass, so that the answer is read before the connection closes. */
export function discardRest(request: IncomingMessage, done: () => void): void {
  if (request.complete || request.destroyed) {
    done();
    return;
  }
  const timer = setTimeout(done, DISCARD_MS_MAX);
  timer.unref();
  request.once('close', () => clearTimeout(timer));
  request.once('end', done);
  request.resume();
}
