/** Whole numbers as Go's strconv reads them: all of the text, and nothing that 64 bits do not hold. */

/** What base 0 reads from how a number begins. */
const PREFIXES: readonly (readonly [RegExp, number])[] = [
  [/^0x/i, 16],
  [/^0b/i, 2],
  [/^0o/i, 8],
  [/^0(?=.)/, 8],
];
const DIGITS_MAX = 64;
const INT_MAX = 2n ** 63n;

/** Undefined when the text is no number of the base. */
export function parseInt64(text: string, base: number): bigint | undefined {
  const [, sign = '', all = ''] = /^([+-]?)([0-9a-z_]+)$/i.exec(text) ?? [];
  const value = base === 0 ? prefixed(all) : unsigned(all, base);
  if (value === undefined) return undefined;
  if (sign === '-') return value <= INT_MAX ? -value : undefined;
  return value < INT_MAX ? value : undefined;
}

/** A prefix says the base, and `_` may stand between digits. */
function prefixed(all: string): bigint | undefined {
  const [pattern, base] = PREFIXES.find(([prefix]) => prefix.test(all)) ?? [/^/, 10];
  const digits = all.replace(pattern, '');
  const isSpaced = /^_?[^_]+(?:_[^_]+)*$/.test(digits) && !all.startsWith('_');
  return isSpaced ? unsigned(digits.replaceAll('_', ''), base) : undefined;
}

function unsigned(all: string, base: number): bigint | undefined {
  if (!Number.isInteger(base) || base < 2 || base > 36) return undefined;
  const digits = all.toLowerCase().replace(/^0+(?=.)/, '');
  if (digits === '' || digits.length > DIGITS_MAX) return undefined;
  let value = 0n;
  for (const digit of digits) {
    const number = Number.parseInt(digit, 36);
    if (!(number < base)) return undefined;
    value = value * BigInt(base) + BigInt(number);
  }
  return value;
}
