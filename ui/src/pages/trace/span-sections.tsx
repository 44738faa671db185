/** Attributes, events, links, resource, scope, warnings: each folds, one filter serves all. */
import { plural } from '@lingui/core/macro';
import { useLingui } from '@lingui/react/macro';
import { ListFilter, TriangleAlert } from 'lucide-react';
import type { Attribute, SpanDetail } from '#contract';
import { field } from '../../components/control.ts';
import { attributesJson, filterAttributes } from '../../model/attribute-text.ts';
import { AttributeTable } from './attribute-table.tsx';
import { EventList } from './event-list.tsx';
import { LinkList } from './link-list.tsx';
import { Section } from './section.tsx';

interface SpanSectionsProps {
  readonly detail: SpanDetail;
  readonly service: string;
  readonly traceStartNano: bigint;
  readonly filter: string;
  readonly onFilter: (text: string) => void;
}

export function SpanSections(props: SpanSectionsProps) {
  const { t } = useLingui();
  const { detail, service, traceStartNano, filter, onFilter } = props;
  const shown = (items: SpanDetail['attributes']) => filterAttributes(items, filter);
  const scopeItems = [
    stringItem('otel.scope.name', detail.scope.name),
    stringItem('otel.scope.version', detail.scope.version),
    ...detail.scope.attributes,
  ].filter(({ value }) => value !== '');
  return (
    <>
      {detail.warnings.map((warning) => (
        <p
          key={warning}
          className="mx-4 mb-2 flex items-start gap-2 rounded-md bg-warn-soft px-2.5 py-1.5 text-warn"
        >
          <TriangleAlert size={14} aria-hidden="true" className="mt-0.5 shrink-0" />
          {warning}
        </p>
      ))}
      <div className="relative px-4 pb-2">
        <ListFilter size={13} aria-hidden="true" className="absolute top-2.5 left-6.5 text-faint" />
        <input
          className={`${field} pl-8`}
          aria-label={t`Filter keys and values`}
          placeholder={t`Filter keys and values…`}
          value={filter}
          onChange={(event) => onFilter(event.target.value)}
          spellCheck={false}
        />
      </div>
      <Section
        title={t`Attributes`}
        count={detail.attributes.length}
        copy={attributesJson(detail.attributes)}
        isOpen
      >
        <AttributeTable items={shown(detail.attributes)} service={service} />
        <Dropped count={detail.droppedAttributes} />
      </Section>
      {detail.events.length > 0 && (
        <Section title={t`Events`} count={detail.events.length} isOpen>
          <EventList events={detail.events} traceStartNano={traceStartNano} filter={filter} />
          <Dropped count={detail.droppedEvents} />
        </Section>
      )}
      {detail.links.length > 0 && (
        <Section title={t`Links`} count={detail.links.length} isOpen>
          <LinkList links={detail.links} />
          <Dropped count={detail.droppedLinks} />
        </Section>
      )}
      <Section
        title={t`Resource`}
        count={detail.resource.attributes.length}
        copy={attributesJson(detail.resource.attributes)}
        isOpen
      >
        <AttributeTable items={shown(detail.resource.attributes)} service={service} />
      </Section>
      {scopeItems.length > 0 && (
        <Section title={t`Scope`} count={scopeItems.length} copy={attributesJson(scopeItems)}>
          <AttributeTable items={shown(scopeItems)} />
        </Section>
      )}
      {detail.traceState !== '' && (
        <Section title={t`Trace state`}>
          <p className="px-4 pb-2 font-mono text-xs">{detail.traceState}</p>
        </Section>
      )}
    </>
  );
}

function stringItem(key: string, value: string): Attribute {
  return { key, type: 'string', value };
}

function Dropped({ count }: { readonly count: number }) {
  const { t } = useLingui();
  if (count === 0) return null;
  return (
    <p className="px-4 pb-2 text-xs text-warn">
      {t`${plural(count, {
        one: '# more was dropped by the SDK.',
        other: '# more were dropped by the SDK.',
      })}`}
    </p>
  );
}
