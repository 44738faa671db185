/** A native select in the house's dress: the best a keyboard, a phone and a screen reader get. */
import { ChevronDown } from 'lucide-react';
import { useId } from 'react';
import { field } from './control.ts';
import { FieldLabel } from './field-label.tsx';

interface SelectFieldProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly label: string }[];
  readonly onChange: (value: T) => void;
  readonly className?: string;
  readonly isLabelHidden?: boolean;
}

export function SelectField<T extends string>(props: SelectFieldProps<T>) {
  const { label, value, options, onChange, className = '', isLabelHidden = false } = props;
  const id = useId();
  return (
    <div className={className}>
      {!isLabelHidden && <FieldLabel htmlFor={id}>{label}</FieldLabel>}
      <div className="relative">
        <select
          id={id}
          aria-label={isLabelHidden ? label : undefined}
          className={`${field} appearance-none pr-7`}
          value={value}
          onChange={(event) => {
            const chosen = options.find((option) => option.value === event.target.value);
            if (chosen !== undefined) onChange(chosen.value);
          }}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
        <ChevronDown
          size={14}
          aria-hidden="true"
          className="pointer-events-none absolute top-2.25 right-2 text-faint"
        />
      </div>
    </div>
  );
}
