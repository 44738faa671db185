import { preferredColour } from '../model/service-colour.ts';

interface ServiceDotProps {
  readonly service: string;
  /** Where a trace's colours are assigned; else the colour its name asks for. */
  readonly colour?: number;
}

export function ServiceDot({ service, colour = preferredColour(service) }: ServiceDotProps) {
  return (
    <span
      aria-hidden="true"
      className="inline-block size-2 shrink-0 rounded-full"
      style={{ background: `var(--svc-${colour})` }}
    />
  );
}
