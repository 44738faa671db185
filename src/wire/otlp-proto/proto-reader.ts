/** A cursor over protobuf bytes that trusts nothing: every length is checked against the end of
 *  the message around it before it is used, since a typed array answers `undefined` past its end
 *  and a cut message would otherwise decode to garbage in silence.
 *  Hot: benchmark `bench/decode.ts`. */

import { WireError } from '../wire-error.ts';

/** Groups inside groups, in fields we do not know. */
const GROUP_NESTING_MAX = 64;
const VARINT_BYTES_MAX = 10;
const WIRE_NAMES = ['varint', 'fixed64', 'length', 'group', 'end of group', 'fixed32'];

const EMPTY = new Uint8Array(0);

export class ProtoReader {
  bytes: Uint8Array = EMPTY;
  view: DataView = new DataView(EMPTY.buffer);
  at = 0;
  /** Words of the varint read last by `varint64`. */
  low = 0;
  high = 0;

  open(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  /** Lets go of the message, so that an idle reader keeps nothing alive. */
  close(): void {
    this.open(EMPTY);
  }

  /** The next field's tag: number times 8 plus wire type. */
  tag(end: number): number {
    const byte = this.bytes[this.at]!;
    if (byte < 0x80 && byte >= 8) {
      this.at++;
      return byte;
    }
    const start = this.at;
    this.varint64(end);
    if (this.high !== 0 || this.low < 8) throw malformed('tag without a field number', start);
    return this.low;
  }

  /** The low 32 bits of a varint, unsigned. */
  varint(end: number): number {
    const at = this.at;
    if (at < end) {
      const byte = this.bytes[at]!;
      if (byte < 0x80) {
        this.at = at + 1;
        return byte;
      }
    }
    this.varint64(end);
    return this.low;
  }

  /** A whole varint, into `low` and `high`. */
  varint64(end: number): void {
    const start = this.at;
    let low = 0;
    let high = 0;
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      if (this.at >= end) throw malformed('number cut short', start);
      const byte = this.bytes[this.at++]!;
      const bits = byte & 0x7f;
      const shift = i * 7;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    throw malformed('number longer than 10 bytes', start);
  }

  /** Steps into a length-delimited field: returns where it ends, `at` is where it begins. */
  enter(end: number, what: string): number {
    const start = this.at;
    let length: number;
    const byte = this.bytes[start]!;
    if (start < end && byte < 0x80) {
      length = byte;
      this.at = start + 1;
    } else {
      this.varint64(end);
      length = this.high === 0 ? this.low : Number.POSITIVE_INFINITY;
    }
    const inner = this.at + length;
    if (inner > end) throw malformed(`${what} passes the end of the message around it`, start);
    return inner;
  }

  /** Steps over `length` bytes and returns where they began. */
  take(length: number, end: number, what: string): number {
    const start = this.at;
    if (start + length > end) throw malformed(`${what} cut short`, start);
    this.at = start + length;
    return start;
  }

  /** Steps over a field we do not know. A field we do know comes here only with a wire type it
   *  cannot have: `known` holds a bit for each of those numbers. */
  skip(tag: number, end: number, message: string, known: number): void {
    const field = tag >>> 3;
    if (field < 32 && (known >>> field) & 1) {
      const wire = WIRE_NAMES[tag & 7] ?? `type ${tag & 7}`;
      throw malformed(`field ${field} of ${message} has wire type ${wire}`, this.at);
    }
    this.#skipValue(tag, end, 0);
  }

  #skipValue(tag: number, end: number, depth: number): void {
    switch (tag & 7) {
      case 0:
        this.varint64(end);
        return;
      case 1:
        this.take(8, end, 'fixed64');
        return;
      case 2:
        this.at = this.enter(end, 'unknown field');
        return;
      case 3:
        this.#skipGroup(tag, end, depth + 1);
        return;
      case 5:
        this.take(4, end, 'fixed32');
        return;
      default:
        throw malformed(`wire type ${tag & 7} cannot begin a field`, this.at);
    }
  }

  #skipGroup(opening: number, end: number, depth: number): void {
    if (depth > GROUP_NESTING_MAX) {
      throw new WireError('too_deep', `groups nested deeper than ${GROUP_NESTING_MAX}`, this.at);
    }
    const start = this.at;
    while (this.at < end) {
      const tag = this.tag(end);
      if (tag === opening + 1) return;
      this.#skipValue(tag, end, depth);
    }
    throw malformed('group without its end', start);
  }
}

export function malformed(message: string, at: number): WireError {
  return new WireError('malformed', message, at);
}

/** A bit for each field number, for `skip`. */
export function fieldBits(...numbers: number[]): number {
  return numbers.reduce((bits, number) => bits | (1 << number), 0);
}
