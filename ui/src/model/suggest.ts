/** Which of many names a few typed letters mean: those that begin so, then those that contain it.
 *  Nothing typed, or exactly one of them, means all. */

const SUGGESTIONS_MAX = 100;

export function suggestNames(names: readonly string[], typed: string): string[] {
  const wanted = typed.trim().toLowerCase();
  if (wanted === '' || names.some((name) => name.toLowerCase() === wanted)) {
    return names.slice(0, SUGGESTIONS_MAX);
  }
  const begins = names.filter((name) => name.toLowerCase().startsWith(wanted));
  const contains = names.filter((name) => name.toLowerCase().indexOf(wanted) > 0);
  return [...begins, ...contains].slice(0, SUGGESTIONS_MAX);
}
