/** When the events of a span were, without reading the rest of their tagged text. */

const RECORD = 0x1e;
const GROUP = 0x1d;
const MINUS = 0x2d;
const ZERO = 0x30;
/** As many digits are exact as a double. */
const DIGITS_MAX = 15;

/** ns since 1970, in the order of the text. Throws RangeError when the text is not one this program
 *  wrote. */
export function readEventTimes(tagged: Uint8Array, startNano: bigint): bigint[] {
  const times: bigint[] = [];
  // A record's mark occurs nowhere else: inside of texts it is escaped.
  for (let at = tagged.indexOf(RECORD); at >= 0; at = tagged.indexOf(RECORD, at + 1)) {
    const from = tagged.indexOf(GROUP, at) + 1;
    const to = tagged.indexOf(GROUP, from);
    if (from === 0 || to < 0) throw new RangeError('tagged text: an event without a time');
    times.push(BigInt.asUintN(64, startNano + numberAt(tagged, from, to)));
  }
  return times;
}

function numberAt(tagged: Uint8Array, from: number, to: number): bigint {
  if (to - from > DIGITS_MAX) return BigInt(new TextDecoder().decode(tagged.subarray(from, to)));
  const isNegative = tagged[from] === MINUS;
  let value = 0;
  for (let at = isNegative ? from + 1 : from; at < to; at++) {
    const digit = (tagged[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) throw new RangeError('tagged text: a time that is no number');
    value = value * 10 + digit;
  }
  return BigInt(isNegative ? -value : value);
}
