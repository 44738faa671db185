/** OpenTelemetry's consistent probability sampling: an item has 56 bits of randomness and is kept
 *  when these are at least its threshold, so a threshold of 0 keeps everything and one of 2^56
 *  nothing. Both are two words here, since 56 bits are too many for a number. */

export interface Word56 {
  /** The upper 24 bits; 2^24 only in NEVER. */
  readonly high: number;
  readonly low: number;
}

const ALL = 2n ** 56n;
const DIGITS = 14;
const MIN_PROBABILITY = 2 ** -56;

export const ALWAYS: Word56 = { high: 0, low: 0 };
export const NEVER: Word56 = { high: 2 ** 24, low: 0 };

export function word56(value: bigint): Word56 {
  return { high: Number(value >> 32n), low: Number(value & 0xffff_ffffn) };
}

export function isLess(a: Word56, b: Word56): boolean {
  return a.high < b.high || (a.high === b.high && a.low < b.low);
}

/** Of an item without randomness, whatever is not NEVER. */
export function keeps(threshold: Word56, randomness: Word56 | undefined): boolean {
  return threshold !== NEVER && (randomness === undefined || !isLess(randomness, threshold));
}

/** An item should not have passed the sampler that marked it. */
export function isLie(randomness: Word56 | undefined, incoming: Word56 | undefined): boolean {
  return randomness !== undefined && incoming !== undefined && isLess(randomness, incoming);
}

export function probabilityOf(threshold: Word56): number {
  return Number(ALL - wide(threshold)) / 2 ** 56;
}

/** The threshold that keeps this part, in so many significant hex digits, more where it begins with
 *  digits 0 or f; NEVER when the part is too small to be told from nothing. */
export function thresholdOf(probability: number, precision: number): Word56 {
  if (!(probability >= MIN_PROBABILITY)) return NEVER;
  if (probability >= 1) return ALWAYS;
  const leading = Math.max(leadingDigits(probability), leadingDigits(1 - probability));
  const digits = Math.min(DIGITS, precision + leading);
  const exact = ALL - BigInt(Math.round(probability * 2 ** 56));
  const shift = BigInt(4 * (DIGITS - digits));
  if (shift === 0n) return word56(exact);
  return word56(((exact + (1n << (shift - 1n))) >> shift) << shift);
}

/** Hex digits after the point that are 0 in a number below 1. */
function leadingDigits(part: number): number {
  const exponent = Math.floor(Math.log2(part)) + 1;
  return Math.trunc(exponent / -4);
}

/** `th`: one to fourteen hex digits, zeros at the end left out. undefined for anything else. */
export function parseThreshold(text: string): Word56 | undefined {
  if (!/^[0-9a-fA-F]{1,14}$/.test(text)) return undefined;
  return word56(BigInt(`0x${text.padEnd(DIGITS, '0')}`));
}

export function thresholdText(threshold: Word56): string {
  return randomnessText(threshold).replace(/0{1,13}$/, '');
}

/** `rv`: fourteen hex digits. */
export function parseRandomness(text: string): Word56 | undefined {
  return /^[0-9a-fA-F]{14}$/.test(text) ? word56(BigInt(`0x${text}`)) : undefined;
}

export function randomnessText({ high, low }: Word56): string {
  return high.toString(16).padStart(6, '0') + low.toString(16).padStart(8, '0');
}

function wide({ high, low }: Word56): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
