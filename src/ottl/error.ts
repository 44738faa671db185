/** What is wrong with an OTTL condition, or went wrong while evaluating one. */

import { SpoorError } from '../lib/errors.ts';

export type OttlErrorCode =
  /** The text is no condition; the message names the column. */
  | 'syntax'
  /** A path, function or enum that the context does not have. */
  | 'unknown_name'
  /** A function got values it cannot work with. */
  | 'bad_value';

export class OttlError extends SpoorError<OttlErrorCode> {}
