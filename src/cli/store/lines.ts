/** Lines of a stream as bytes, each with its end: a trace of a million spans is one line, which no
 *  string has to hold. */

const NEWLINE = 0x0a;

export async function* linesOf(input: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  let begun: Buffer[] = [];
  for await (const part of input) {
    const bytes = Buffer.isBuffer(part) ? part : Buffer.from(String(part));
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      yield Buffer.concat([...begun, bytes.subarray(start, end + 1)]);
      begun = [];
      start = end + 1;
    }
    if (start < bytes.length) begun.push(bytes.subarray(start));
  }
  if (begun.length > 0) yield Buffer.concat(begun);
}
