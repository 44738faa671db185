import { useLingui } from '@lingui/react/macro';
import type { SpanDetail } from '#contract';
import { CopyButton } from '../../components/copy-button.tsx';
import { filterAttributes, stackLines, valueText } from '../../model/attribute-text.ts';
import { formatDuration } from '../../model/duration.ts';
import { AttributeTable } from './attribute-table.tsx';

interface EventListProps {
  readonly events: SpanDetail['events'];
  readonly traceStartNano: bigint;
  readonly filter: string;
}

const STACK = 'exception.stacktrace';

export function EventList({ events, traceStartNano, filter }: EventListProps) {
  return (
    <ol className="pb-2">
      {events.map((event, i) => (
        <Event
          key={`${event.timeNano} ${i}`}
          event={event}
          traceStartNano={traceStartNano}
          filter={filter}
        />
      ))}
    </ol>
  );
}

interface EventProps {
  readonly event: SpanDetail['events'][number];
  readonly traceStartNano: bigint;
  readonly filter: string;
}

function Event({ event, traceStartNano, filter }: EventProps) {
  const at = Number(BigInt(event.timeNano) - traceStartNano);
  const stack = event.attributes.find(({ key }) => key === STACK);
  const rest = event.attributes.filter(({ key }) => key !== STACK);
  const isException = event.name === 'exception';
  return (
    <li className="py-1">
      <p className="flex items-baseline gap-2 px-4">
        <span className="shrink-0 text-xs text-muted">+{formatDuration(at)}</span>
        <span className={`font-medium ${isException ? 'text-error' : ''}`}>{event.name}</span>
      </p>
      {rest.length > 0 && <AttributeTable items={filterAttributes(rest, filter)} />}
      {stack !== undefined && <StackTrace text={valueText(stack.value)} />}
    </li>
  );
}

function StackTrace({ text }: { readonly text: string }) {
  const { t } = useLingui();
  return (
    <div className="relative mx-4 mb-2">
      {/* A box that scrolls has to be reachable by keyboard. */}
      {/* oxlint-disable jsx-a11y/no-noninteractive-tabindex */}
      <pre
        className="max-h-72 overflow-auto rounded-md border border-line bg-sunken p-3 pr-10 font-mono text-xs leading-5"
        tabIndex={0}
        aria-label={t`Stack trace`}
        role="region"
      >
        {stackLines(text).map((line, i) => (
          <span key={i} className={line.isForeign ? 'text-muted' : 'font-medium'}>
            {line.text}
            {'\n'}
          </span>
        ))}
      </pre>
      {/* oxlint-enable jsx-a11y/no-noninteractive-tabindex */}
      <CopyButton
        text={text}
        label={t`Copy the stack trace`}
        className="absolute top-1.5 right-1.5"
      />
    </div>
  );
}
