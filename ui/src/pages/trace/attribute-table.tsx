import { Trans, useLingui } from '@lingui/react/macro';
import { Link } from '@tanstack/react-router';
import { Search } from 'lucide-react';
import type { Attribute } from '#contract';
import { CopyButton } from '../../components/copy-button.tsx';
import { iconButton } from '../../components/control.ts';
import { prettyJson, valueText } from '../../model/attribute-text.ts';

interface AttributeTableProps {
  readonly items: readonly Attribute[];
  /** With it, a value can be searched for among this service's traces. */
  readonly service?: string;
}

export function AttributeTable({ items, service }: AttributeTableProps) {
  if (items.length === 0) {
    return (
      <p className="px-4 pb-2.5 text-muted">
        <Trans>Nothing here.</Trans>
      </p>
    );
  }
  return (
    <dl className="pb-2">
      {items.map((item, i) => (
        <Row key={`${item.key} ${i}`} item={item} service={service} />
      ))}
    </dl>
  );
}

interface RowProps {
  readonly item: Attribute;
  readonly service: string | undefined;
}

function Row({ item, service }: RowProps) {
  const { t } = useLingui();
  const text = valueText(item.value);
  const pretty = prettyJson(item.value);
  const isScalar = ['string', 'bool', 'int', 'double'].includes(item.type);
  return (
    <div className="group/row relative grid grid-cols-[minmax(7rem,38%)_1fr] gap-x-3 px-4 py-1 hover:bg-hover">
      <dt
        className="min-w-0 font-mono text-xs leading-5 wrap-anywhere text-muted"
        title={item.type}
      >
        {item.key}
      </dt>
      <dd className="min-w-0 pr-8 font-mono text-xs leading-5 wrap-anywhere">
        {pretty === undefined ? (
          <span className={item.type === 'string' ? 'whitespace-pre-wrap' : 'text-accent'}>
            {text}
          </span>
        ) : (
          <pre className="overflow-x-auto whitespace-pre-wrap">{pretty}</pre>
        )}
        <div className="absolute top-0 right-2 flex bg-hover opacity-0 group-hover/row:opacity-100 focus-within:opacity-100">
          {service !== undefined && isScalar && (
            <Link
              to="/search"
              search={{ service, tags: JSON.stringify({ [item.key]: text }) }}
              className={iconButton}
              aria-label={t`Find traces with this ${item.key}`}
              title={t`Find traces with this ${item.key}`}
            >
              <Search size={13} aria-hidden="true" />
            </Link>
          )}
          <CopyButton text={text} label={t`Copy the value of ${item.key}`} />
        </div>
      </dd>
    </div>
  );
}
