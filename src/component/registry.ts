/** How components are found by the name a configuration uses. A registry is one line per component,
 *  each loaded only when a configuration names it. */
import type {
  ConnectorDefinition,
  ExporterDefinition,
  ExtensionDefinition,
  ProcessorDefinition,
  ReceiverDefinition,
} from './define.ts';

export interface Definitions {
  readonly receivers: ReceiverDefinition;
  readonly processors: ProcessorDefinition;
  readonly exporters: ExporterDefinition;
  readonly connectors: ConnectorDefinition;
  readonly extensions: ExtensionDefinition;
}

/** A section of the configuration that holds components. */
export type Section = keyof Definitions;

export const sections: readonly Section[] = [
  'receivers',
  'processors',
  'exporters',
  'connectors',
  'extensions',
];

export type Lines<D> = Readonly<Record<string, () => Promise<{ readonly component: D }>>>;

export type Registry = { readonly [S in Section]: Lines<Definitions[S]> };

export interface Found<D> {
  readonly definition: D;
  /** The name used is an older one. */
  readonly isAlias: boolean;
}

/** By its type, else by an older name of it. Only the latter loads every component of the kind. */
export async function findComponent<D extends { readonly aliases?: readonly string[] }>(
  lines: Lines<D>,
  type: string,
): Promise<Found<D> | undefined> {
  const load = Object.hasOwn(lines, type) ? lines[type] : undefined;
  if (load) return { definition: (await load()).component, isAlias: false };
  for (const loadOther of Object.values(lines)) {
    const { component } = await loadOther();
    if (component.aliases?.includes(type)) return { definition: component, isAlias: true };
  }
  return undefined;
}
