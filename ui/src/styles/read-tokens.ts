/** The colours of tokens.css for canvases. Read once a theme: getComputedStyle is not for paint
 *  loops. */

import { COLOUR_COUNT } from '../model/service-colour.ts';

export interface Tokens {
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly grid: string;
  readonly guide: string;
  readonly surface: string;
  readonly accent: string;
  readonly error: string;
  readonly critical: string;
  readonly tick: string;
  readonly selection: string;
  readonly rowHover: string;
  readonly match: string;
  readonly shade: string;
  readonly focus: string;
  readonly services: readonly string[];
}

export function readTokens(): Tokens {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: read('text'),
    muted: read('muted'),
    line: read('line'),
    grid: read('grid'),
    guide: read('guide'),
    surface: read('surface'),
    accent: read('accent'),
    error: read('error'),
    critical: read('critical'),
    tick: read('tick'),
    selection: read('selection'),
    rowHover: read('row-hover'),
    match: read('match'),
    shade: read('shade'),
    focus: read('focus'),
    services: Array.from({ length: COLOUR_COUNT }, (_, i) => read(`svc-${i}`)),
  };
}
