/** Scroll offsets for more rows than a browser can make an element tall: Firefox stops at about
 *  17.9 million pixels. Up to CONTENT_MAX one pixel is one pixel, beyond it offsets are scaled. */

const CONTENT_MAX = 12_000_000;

export interface ScrollMap {
  /** Height to give the content. */
  readonly contentHeight: number;
  /** Offset in rows' pixels of a scrollTop, and back. */
  toOffset(scrollTop: number): number;
  toScrollTop(offset: number): number;
}

export function scrollMap(rows: number, rowHeight: number, viewHeight: number): ScrollMap {
  const total = rows * rowHeight;
  const contentHeight = Math.min(total, CONTENT_MAX);
  const real = Math.max(0, total - viewHeight);
  const shown = Math.max(0, contentHeight - viewHeight);
  const scale = shown === 0 ? 1 : real / shown;
  return {
    contentHeight,
    toOffset: (scrollTop) => Math.min(real, Math.max(0, scrollTop * scale)),
    toScrollTop: (offset) => offset / scale,
  };
}
