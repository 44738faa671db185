/** Conditions about resources alone. */

import type { ResourceValue } from '../../model/batch/view.ts';
import type { Context } from '../context.ts';
import { attributesPath, resourceOrScopePath } from './resource-scope.ts';

const NO_SCOPE = { name: '', version: '', schemaUrl: '', droppedAttributes: 0, attributes: [] };

export const resourceContext: Context<ResourceValue> = {
  name: 'resource',
  enums: {},
  path(names, firstKey) {
    const [first = ''] = names;
    if (first === 'attributes') return attributesPath((resource) => resource.attributes, firstKey);
    if (first === 'scope' || first === 'instrumentation_scope') return undefined;
    const own = first === 'resource' ? names : ['resource', ...names];
    return resourceOrScopePath(own, firstKey, { resource: (item) => item, scope: () => NO_SCOPE });
  },
};
