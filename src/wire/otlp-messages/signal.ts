/** The levels around the items, which metrics and logs share: request, resource, scope. */
import type {
  Resource,
  ResourceGroup,
  Scope,
  ScopeGroup,
  SignalMessage,
} from '../../model/signal-message.ts';
import { keyValue } from './any-value.ts';
import { many, message, one, type MessageSpec } from './message.ts';
import { text, uint32, type Kind } from './scalars.ts';

const scope = message<Scope>({
  name: 'InstrumentationScope',
  empty: emptyScope,
  fields: [
    one(1, 'name', text),
    one(2, 'version', text),
    many(3, keyValue, ({ attributes }) => attributes),
    one(4, 'droppedAttributes', uint32),
  ],
});

const resource = message<Resource>({
  name: 'Resource',
  empty: emptyResource,
  fields: [many(1, keyValue, ({ attributes }) => attributes), one(2, 'droppedAttributes', uint32)],
});

/** Names are those of the messages, for what is said about malformed ones. */
export function signalMessage<Item>(names: {
  readonly request: string;
  readonly groups: string;
  readonly scopes: string;
  readonly item: Kind<Item>;
}): MessageSpec<SignalMessage<Item>> {
  const scopeGroup = message<ScopeGroup<Item>>({
    name: names.scopes,
    empty: () => ({ scope: emptyScope(), items: [], schemaUrl: '' }),
    fields: [
      one(1, 'scope', scope),
      many(2, names.item, ({ items }) => items),
      one(3, 'schemaUrl', text),
    ],
  });
  const resourceGroup = message<ResourceGroup<Item>>({
    name: names.groups,
    empty: () => ({ resource: emptyResource(), scopes: [], schemaUrl: '' }),
    fields: [
      one(1, 'resource', resource),
      many(2, scopeGroup, ({ scopes }) => scopes),
      one(3, 'schemaUrl', text),
    ],
  });
  return {
    name: names.request,
    empty: () => ({ resources: [] }),
    fields: [many(1, resourceGroup, ({ resources }) => resources)],
  };
}

function emptyScope(): Scope {
  return { name: '', version: '', attributes: [], droppedAttributes: 0 };
}

function emptyResource(): Resource {
  return { attributes: [], droppedAttributes: 0 };
}
