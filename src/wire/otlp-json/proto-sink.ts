/** Protobuf written from front to back. A nested message's length is always written in five bytes,
 *  which every parser reads, so that it can be filled in when the message has ended. */

const LENGTH_BYTES = 5;

export class ProtoSink {
  #bytes = Buffer.allocUnsafe(4096);
  #at = 0;

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(0, this.#at));
  }

  tag(field: number, wireType: number): void {
    this.varint(BigInt(field * 8 + wireType));
  }

  /** Opens a length-delimited field; give the result to `close`. */
  open(field: number): number {
    this.tag(field, 2);
    this.#reserve(LENGTH_BYTES);
    this.#at += LENGTH_BYTES;
    return this.#at;
  }

  close(opened: number): void {
    let rest = this.#at - opened;
    for (let i = LENGTH_BYTES; i > 1; i--) {
      this.#bytes[opened - i] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[opened - 1] = rest;
  }

  field(field: number, bytes: Uint8Array): void {
    const opened = this.open(field);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    this.close(opened);
  }

  varint(value: bigint): void {
    this.#reserve(10);
    let rest = BigInt.asUintN(64, value);
    for (; rest > 0x7fn; rest >>= 7n) this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80;
    this.#bytes[this.#at++] = Number(rest);
  }

  fixed32(value: number): void {
    this.#reserve(4);
    this.#at = this.#bytes.writeUInt32LE(value, this.#at);
  }

  fixed64(value: bigint): void {
    this.#reserve(8);
    this.#at = this.#bytes.writeBigUInt64LE(BigInt.asUintN(64, value), this.#at);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  #reserve(length: number): void {
    if (this.#at + length <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + length));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }
}
