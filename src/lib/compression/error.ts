/** What can be wrong with compressed bytes. */
import { SpoorError } from '../errors.ts';

export type CompressionErrorCode =
  /** No codec of that name here. */
  | 'unknown_encoding'
  /** More comes out than is allowed. */
  | 'too_large'
  /** The bytes are not what they are said to be. */
  | 'damaged';

export class CompressionError extends SpoorError<CompressionErrorCode> {}

export function damaged(what: string): CompressionError {
  return new CompressionError('damaged', what);
}

export function tooLarge(bytesMax: number): CompressionError {
  return new CompressionError('too_large', `larger than ${bytesMax} bytes decompressed`);
}
