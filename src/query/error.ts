/** What the query layer can answer instead of data. The API turns codes into statuses. */

import { SpoorError } from '../lib/errors.ts';

export type QueryErrorCode =
  | 'bad_request'
  | 'forbidden'
  | 'incomplete'
  | 'not_found'
  | 'unsupported';

export class QueryError extends SpoorError<QueryErrorCode> {}
