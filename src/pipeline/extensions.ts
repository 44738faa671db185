/** Extensions in start order: as listed, except that whoever lends starts before who needs it. */
import type { ExtensionDefinition } from '../component/define.ts';
import type { Configured, Settings } from './settings.ts';

export function orderedExtensions(settings: Settings): Configured<ExtensionDefinition>[] {
  const active = settings.service.extensions.flatMap((id) => settings.extensions.get(id) ?? []);
  const ordered = new Set<Configured<ExtensionDefinition>>();
  const open = new Set<Configured<ExtensionDefinition>>();
  const visit = (extension: Configured<ExtensionDefinition>) => {
    // Two that need each other start as listed.
    if (ordered.has(extension) || open.has(extension)) return;
    open.add(extension);
    for (const lender of active) if (lends(lender, extension)) visit(lender);
    ordered.add(extension);
  };
  active.forEach(visit);
  return [...ordered];
}

function lends(
  lender: Configured<ExtensionDefinition>,
  borrower: Configured<ExtensionDefinition>,
): boolean {
  const offers = lender.definition.offers?.(lender.config, lender.id) ?? [];
  const needs = borrower.definition.needs?.(borrower.config) ?? [];
  return needs.some(({ what, name }) => {
    return offers.some((offer) => offer.what === what && offer.name === name);
  });
}
