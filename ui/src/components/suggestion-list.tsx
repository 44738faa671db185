import { type ReactNode, useEffect, useRef } from 'react';
import { popup } from './control.ts';

interface SuggestionListProps {
  /** The ids of the list and its options derive from it. */
  readonly id: string;
  readonly label: string;
  readonly items: readonly string[];
  readonly active: number;
  readonly onPick: (item: string) => void;
  readonly mark?: (item: string) => ReactNode;
}

export function SuggestionList({ id, label, items, active, onPick, mark }: SuggestionListProps) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.children[active]?.scrollIntoView({ block: 'nearest' });
  }, [active]);
  return (
    <div
      ref={list}
      id={`${id}-list`}
      role="listbox"
      aria-label={label}
      tabIndex={-1}
      className={`${popup} absolute top-full left-0 mt-1 max-h-80 w-max max-w-[min(32rem,90vw)] min-w-full overflow-y-auto p-1`}
      // The field keeps its focus, else its blur would close the list before the click.
      onMouseDown={(event) => event.preventDefault()}
    >
      {items.map((item, i) => (
        <div
          key={item}
          id={`${id}-${i}`}
          role="option"
          tabIndex={-1}
          aria-selected={i === active}
          className={`flex cursor-default items-center gap-2 rounded-md px-2 py-1 select-none hover:bg-hover ${i === active ? 'bg-accent-soft hover:bg-accent-soft' : ''}`}
          // The keyboard is the field's: it moves aria-activedescendant and picks with Enter.
          onMouseUp={() => onPick(item)}
        >
          {mark?.(item)}
          <span className="min-w-0 truncate">{item}</span>
        </div>
      ))}
    </div>
  );
}
