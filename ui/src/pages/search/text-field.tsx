import { useId } from 'react';
import { field } from '../../components/control.ts';
import { FieldLabel } from '../../components/field-label.tsx';
import { FieldProblem } from '../../components/suggest-field.tsx';

interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder: string;
  readonly className?: string;
  /** What is wrong with the value. */
  readonly problem?: string;
}

export function TextField(props: TextFieldProps) {
  const { label, value, onChange, placeholder, className = '', problem } = props;
  const id = useId();
  return (
    <div className={`relative ${className}`}>
      <FieldLabel htmlFor={id}>{label}</FieldLabel>
      <input
        id={id}
        className={`${field} aria-invalid:border-error`}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        placeholder={placeholder}
        spellCheck={false}
        autoComplete="off"
        aria-invalid={problem !== undefined}
        aria-describedby={problem === undefined ? undefined : `${id}-problem`}
      />
      {problem !== undefined && <FieldProblem id={`${id}-problem`}>{problem}</FieldProblem>}
    </div>
  );
}
