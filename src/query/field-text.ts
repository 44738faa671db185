/** Fields as people write them in an address: `service`, `name`, `kind`, `status`, `statusMessage`,
 *  `scopeName`, `scopeVersion`, `duration`, or an attribute as `span.<key>`, `resource.<key>`,
 *  `scope.<key>`, or `.<key>` for whichever of these has it. */

import { type Field, intrinsic, type Intrinsic } from '../filter/ast.ts';
import { QueryError } from './error.ts';

const INTRINSICS: Readonly<Record<string, Intrinsic>> = {
  service: 'service',
  name: 'name',
  kind: 'kind',
  status: 'status',
  statusMessage: 'statusMessage',
  traceState: 'traceState',
  scopeName: 'scopeName',
  scopeVersion: 'scopeVersion',
  duration: 'durationNano',
};

const SCOPES = { span: 'span', resource: 'resource', scope: 'scope', '': 'any' } as const;

/** Throws QueryError 'bad_request'. */
export function fieldOfText(text: string): Field {
  const name = Object.hasOwn(INTRINSICS, text) ? INTRINSICS[text] : undefined;
  if (name !== undefined) return intrinsic(name);
  const dot = text.indexOf('.');
  const scope = Object.entries(SCOPES).find(([prefix]) => prefix === text.slice(0, dot))?.[1];
  const key = text.slice(dot + 1);
  if (dot < 0 || scope === undefined || key === '') {
    throw new QueryError('bad_request', `"${text}" is no field of a span`, {
      hint: `${Object.keys(INTRINSICS).join(', ')}, span.<key>, resource.<key>, scope.<key> or .<key>`,
    });
  }
  return { kind: 'attribute', scope, key };
}
