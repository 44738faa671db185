/** What a request asks for. No text of a client makes it throw: `//` is no URL, and asking for it must
 *  not end the process. */
import type { IncomingMessage } from 'node:http';

export interface RequestTarget {
  /** As it was sent, with nothing decoded. */
  readonly pathname: string;
  readonly searchParams: URLSearchParams;
}

export function requestTarget({ url = '/' }: Pick<IncomingMessage, 'url'>): RequestTarget {
  const at = url.indexOf('?');
  return {
    pathname: at < 0 ? url : url.slice(0, at),
    searchParams: new URLSearchParams(at < 0 ? '' : url.slice(at + 1)),
  };
}
