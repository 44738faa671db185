/** Why bytes from outside could not be read. One error for every codec: what was being read, and
 *  the byte at which it went wrong, so that whoever wrote the client can find it. */
import { SpoorError } from '../lib/errors.ts';

export type WireErrorCode =
  /** Not what the format says. */
  | 'malformed'
  /** Nested deeper than we read. */
  | 'too_deep'
  /** So many empty things that they would take many times the memory they came in. */
  | 'too_large';

export class WireError extends SpoorError<WireErrorCode> {
  /** Offset of the byte in the message. */
  readonly at: number;

  constructor(code: WireErrorCode, message: string, at: number) {
    super(code, `${message} at byte ${at}`);
    this.at = at;
  }
}
