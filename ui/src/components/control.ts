/** Class lists of the controls, so that a button is the same everywhere. */

const BUTTON =
  'inline-flex h-8 items-center justify-center gap-1.5 rounded-md px-3 font-medium whitespace-nowrap ' +
  'transition-colors disabled:cursor-default disabled:opacity-50';

export const primaryButton = `${BUTTON} bg-accent text-on-accent hover:bg-accent-strong`;
export const plainButton = `${BUTTON} border border-line-strong bg-surface text-text hover:bg-hover`;
export const quietButton = `${BUTTON} px-2 text-muted hover:bg-hover hover:text-text`;
export const iconButton =
  'inline-flex size-7 shrink-0 items-center justify-center rounded-md text-muted transition-colors ' +
  'hover:bg-hover hover:text-text disabled:cursor-default disabled:opacity-40 ' +
  'disabled:hover:bg-transparent aria-pressed:bg-accent-soft aria-pressed:text-accent';

export const field =
  'h-8 w-full min-w-0 rounded-md border border-field-line/55 bg-surface px-2.5 text-text ' +
  'placeholder:text-faint hover:border-field-line focus:border-accent';

export const popup =
  'z-50 rounded-lg border border-line-strong bg-raised text-text shadow-float outline-hidden';
