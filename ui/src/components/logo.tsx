/** The mark: two tracks of a hoof, one step after the other. A spoor is what an animal leaves. */
export function Logo({ size = 22 }: { readonly size?: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" className="shrink-0">
      <g fill="currentColor">
        <HoofPrint x={3} y={14} scale={1} />
        <HoofPrint x={16.5} y={2} scale={0.86} />
      </g>
    </svg>
  );
}

function HoofPrint({
  x,
  y,
  scale,
}: {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}) {
  return (
    <g transform={`translate(${x} ${y}) scale(${scale})`}>
      <path d="M6 .4C3 2.9.3 7.4.7 11.7c.3 2.9 3.2 4.2 5.1 2.2 2.1-2.2 2.4-8.7 1.2-13.1-.1-.6-.5-.8-1-.4Z" />
      <path d="M9.4.4c3 2.5 5.7 7 5.3 11.3-.3 2.9-3.2 4.2-5.1 2.2-2.1-2.2-2.4-8.7-1.2-13.1.1-.6.5-.8 1-.4Z" />
    </g>
  );
}
