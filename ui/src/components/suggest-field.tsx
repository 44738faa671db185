/** A text field that suggests; what is typed stands, whether it was suggested or not. The WAI-ARIA
 *  combobox with a listbox, by hand: a library's positioning engine is a third of this page. */
import { useLingui } from '@lingui/react/macro';
import { ChevronDown } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useId, useRef, useState } from 'react';
import { field } from './control.ts';
import { FieldLabel } from './field-label.tsx';
import { SuggestionList } from './suggestion-list.tsx';

interface SuggestFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** What to suggest for `value`, best first, with the caret at `caret`. */
  readonly suggest: (value: string, caret: number) => readonly string[];
  /** A suggestion was chosen; without it the suggestion becomes the value. */
  readonly onPick?: (item: string, caret: number) => void;
  readonly placeholder: string;
  readonly disabled?: boolean;
  readonly className?: string;
  readonly inputClass?: string;
  /** What stands before an item. */
  readonly mark?: (item: string) => ReactNode;
  readonly problem?: ReactNode;
}

export function SuggestField(props: SuggestFieldProps) {
  const { t } = useLingui();
  const { label, value, onChange, suggest, problem, inputClass = '', className = '' } = props;
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [isOpen, setIsOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const caret = () => input.current?.selectionStart ?? value.length;
  const items = isOpen ? suggest(value, caret()) : [];

  function pick(item: string) {
    if (props.onPick === undefined) onChange(item);
    else props.onPick(item, caret());
    close();
    input.current?.focus();
  }
  function close() {
    setIsOpen(false);
    setActive(-1);
  }
  function press(event: KeyboardEvent) {
    const item = items[active];
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      setIsOpen(true);
      const step = event.key === 'ArrowDown' ? 1 : -1;
      setActive((before) => wrap(before + step, items.length));
    } else if (event.key === 'Escape' && isOpen) {
      event.stopPropagation();
      close();
    } else if (event.key === 'Enter' && item !== undefined) {
      event.preventDefault();
      pick(item);
    } else if (event.key === 'Tab') close();
  }

  const isShown = items.length > 0;
  return (
    <div className={`relative min-w-0 ${className}`}>
      <FieldLabel htmlFor={id}>{label}</FieldLabel>
      <input
        ref={input}
        id={id}
        role="combobox"
        aria-expanded={isShown}
        aria-controls={isShown ? `${id}-list` : undefined}
        aria-autocomplete="list"
        aria-activedescendant={active >= 0 ? `${id}-${active}` : undefined}
        aria-invalid={problem !== undefined}
        aria-describedby={problem === undefined ? undefined : `${id}-problem`}
        className={`${field} pr-7 text-ellipsis disabled:opacity-60 aria-invalid:border-error ${inputClass}`}
        placeholder={props.placeholder}
        value={value}
        disabled={props.disabled}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => {
          onChange(event.target.value);
          setIsOpen(true);
          setActive(-1);
        }}
        onPointerDown={() => setIsOpen(true)}
        onBlur={close}
        onKeyDown={press}
      />
      <ChevronDown
        size={14}
        aria-hidden="true"
        className="pointer-events-none absolute right-2 bottom-2.25 text-faint"
      />
      {isShown && (
        <SuggestionList
          id={id}
          label={t`Choices of ${label}`}
          items={items}
          active={active}
          onPick={pick}
          {...(props.mark === undefined ? {} : { mark: props.mark })}
        />
      )}
      {problem !== undefined && <FieldProblem id={`${id}-problem`}>{problem}</FieldProblem>}
    </div>
  );
}

/** One before the first and one after the last is the text itself (-1). */
function wrap(index: number, count: number): number {
  if (index < -1) return count - 1;
  return index >= count ? -1 : index;
}

export function FieldProblem({
  id,
  children,
}: {
  readonly id: string;
  readonly children: ReactNode;
}) {
  return (
    <p
      id={id}
      role="alert"
      className="absolute top-full left-0 z-40 mt-1 w-max max-w-80 rounded-md border border-error/40 bg-raised px-2 py-1 text-xs text-error shadow-float"
    >
      {children}
    </p>
  );
}
