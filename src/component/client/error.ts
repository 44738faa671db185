/** What a peer answered, or why it could not be reached. */
import { SpoorError } from '../../lib/errors.ts';

export type PeerErrorCode =
  /** Not resolved, not reached, not answering. */
  | 'unreachable'
  /** It refused, and the same may be tried again. */
  | 'busy'
  /** It refused for good. */
  | 'rejected';

export class PeerError extends SpoorError<PeerErrorCode> {}
