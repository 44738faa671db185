import type { ReactNode } from 'react';

interface FieldLabelProps {
  readonly htmlFor: string;
  readonly children: ReactNode;
}

export function FieldLabel({ htmlFor, children }: FieldLabelProps) {
  return (
    <label
      htmlFor={htmlFor}
      className="mb-1 block text-xs font-medium whitespace-nowrap text-muted"
    >
      {children}
    </label>
  );
}
