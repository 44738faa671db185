/** A pull parser over the UTF-8 bytes of a JSON text. It makes no value that nobody asks for, never
 *  routes a number through a double, and says at which byte the text is wrong; JSON.parse does none
 *  of these. */

import { NESTING_MAX } from '../../model/any-value.ts';
import { WireError } from '../wire-error.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/** Objects in unknown fields may be nested as deep as in known ones. */
const SKIP_NESTING_MAX = NESTING_MAX * 4;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

export class JsonReader {
  /** A Buffer, since it makes short strings several times faster than a TextDecoder. */
  readonly bytes: Buffer;
  at = 0;
  /** The string read last: bytes[start, end), between its quotes, escapes undone if it had none. */
  start = 0;
  end = 0;
  hasEscapes = false;
  /** Right behind an opening bracket, where no comma is due. */
  #isFirst = false;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  enterObject(): void {
    this.#expect(OPEN_OBJECT, 'an object');
    this.#isFirst = true;
  }

  /** Steps to the next member: its name becomes the string read last. False at the object's end. */
  nextKey(): boolean {
    if (!this.#next(CLOSE_OBJECT)) return false;
    this.string();
    this.#expect(COLON, '":"');
    return true;
  }

  enterList(): void {
    this.#expect(OPEN_LIST, 'a list');
    this.#isFirst = true;
  }

  /** Steps to the next element. False at the list's end. */
  nextElement(): boolean {
    return this.#next(CLOSE_LIST);
  }

  /** Nothing may follow the value. */
  finish(): void {
    if (this.#peek() !== 0 || this.at < this.bytes.length) throw this.fail('end of the text');
  }

  isString(): boolean {
    return this.#peek() === QUOTE;
  }

  isList(): boolean {
    return this.#peek() === OPEN_LIST;
  }

  isNull(): boolean {
    return this.#peek() === 0x6e;
  }

  /** Reads a string's extent. */
  string(): void {
    this.#expect(QUOTE, 'a string');
    const bytes = this.bytes;
    let at = this.at;
    this.start = at;
    this.hasEscapes = false;
    for (;;) {
      const byte = bytes[at] ?? 0;
      if (byte === QUOTE) break;
      if (byte < 0x20) {
        this.at = at;
        throw this.fail(at < bytes.length ? 'no control character' : 'the end of the string');
      }
      if (byte === BACKSLASH) {
        this.hasEscapes = true;
        at++;
      }
      at++;
    }
    this.end = at;
    this.at = at + 1;
  }

  /** The string read last, as text. */
  get text(): string {
    const text = this.bytes.toString('utf8', this.start, this.end);
    if (!this.hasEscapes) return text;
    try {
      return String(JSON.parse(`"${text}"`));
    } catch {
      throw new WireError('malformed', 'expected escapes that JSON has', this.start);
    }
  }

  /** A number's text: of a number, or of a string, which is how 64-bit numbers come. */
  numeral(): string {
    if (this.isString()) {
      this.string();
      return this.text;
    }
    const start = this.at;
    while (isNumeralByte(this.bytes[this.at] ?? 0)) this.at++;
    const text = this.bytes.toString('latin1', start, this.at);
    if (NUMBER.test(text)) return text;
    this.at = start;
    throw this.fail('a number');
  }

  bool(): boolean {
    if (this.#peek() === 0x74) {
      this.#word('true');
      return true;
    }
    this.#word('false');
    return false;
  }

  /** Steps over any value, checking that it is JSON. */
  skip(depth = 0): void {
    if (depth > SKIP_NESTING_MAX) {
      throw new WireError('too_deep', `nested deeper than ${SKIP_NESTING_MAX}`, this.at);
    }
    switch (this.#peek()) {
      case OPEN_OBJECT:
        this.enterObject();
        while (this.nextKey()) this.skip(depth + 1);
        return;
      case OPEN_LIST:
        this.enterList();
        while (this.nextElement()) this.skip(depth + 1);
        return;
      case QUOTE:
        this.string();
        if (this.hasEscapes) this.text satisfies string;
        return;
      case 0x74:
      case 0x66:
        this.bool();
        return;
      case 0x6e:
        this.#word('null');
        return;
      default:
        this.numeral();
    }
  }

  fail(expected: string): WireError {
    return new WireError('malformed', `expected ${expected}`, this.at);
  }

  #next(close: number): boolean {
    const byte = this.#peek();
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    if (byte === close) {
      this.at++;
      return false;
    }
    if (!isFirst) this.#expect(COMMA, `"," or "${String.fromCharCode(close)}"`);
    return true;
  }

  #word(word: 'true' | 'false' | 'null'): void {
    for (let i = 0; i < word.length; i++) {
      if (this.bytes[this.at + i] !== word.charCodeAt(i)) throw this.fail(word);
    }
    this.at += word.length;
  }

  #expect(byte: number, what: string): void {
    if (this.#peek() !== byte) throw this.fail(what);
    this.at++;
  }

  /** The next byte that is no white space, 0 at the end. */
  #peek(): number {
    for (;;) {
      const byte = this.bytes[this.at] ?? 0;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte;
      this.at++;
    }
  }
}

function isNumeralByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2d ||
    byte === 0x2b ||
    byte === 0x2e ||
    (byte | 0x20) === 0x65
  );
}
