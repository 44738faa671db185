import { useLingui } from '@lingui/react/macro';
import { Link } from '@tanstack/react-router';
import { ExternalLink } from 'lucide-react';
import type { SpanDetail } from '#contract';
import { shortTraceId } from '../../model/trace-id.ts';
import { AttributeTable } from './attribute-table.tsx';

export function LinkList({ links }: { readonly links: SpanDetail['links'] }) {
  const { t } = useLingui();
  return (
    <ul className="pb-2">
      {links.map((link, i) => (
        <li key={`${link.spanId} ${i}`} className="py-1">
          <Link
            to="/trace/$traceId"
            params={{ traceId: link.traceId }}
            search={{ span: link.spanId }}
            className="mx-4 inline-flex items-center gap-1.5 text-accent hover:underline"
          >
            <ExternalLink size={13} aria-hidden="true" />
            {t`Span ${link.spanId} of trace ${shortTraceId(link.traceId)}`}
          </Link>
          {link.attributes.length > 0 && <AttributeTable items={link.attributes} />}
        </li>
      ))}
    </ul>
  );
}
