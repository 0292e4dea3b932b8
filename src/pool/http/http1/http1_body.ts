import { type BodyReader, type Bytes, TripError } from "../transport.ts";
import type { ByteInput } from "./byte_input.ts";
import { type Http1Head, malformed } from "./http1_head.ts";

/** The longest line between two chunks, or after the last, in bytes. */
const maxLineBytes = 16 * 1024;

/** A response's body on its connection. */
export interface Http1Body extends BodyReader {
  /** The next piece, no longer than `maxBytes`; undefined at the end. */
  read(maxBytes?: number): Bytes | undefined | Promise<Bytes | undefined>;
}

/**
 * The body that a head announces (RFC 9112, section 6.3); undefined if there is
 * none, not even an empty one.
 *
 * @throws {TripError} when it can't be told where the body ends.
 */
export function bodyAfter(
  head: Http1Head,
  method: string,
  input: ByteInput,
): Http1Body | undefined {
  const { status, minorVersion } = head;
  if (method === "HEAD" || status === 204 || status === 304) return undefined;
  const coding = head.get("transfer-encoding");
  const length = head.get("content-length");
  if (coding !== null) {
    if (coding.toLowerCase() !== "chunked" || minorVersion === 0) {
      throw malformed(`with transfer-encoding ${JSON.stringify(coding)}`);
    }
    return new ChunkedBody(input);
  }
  if (length === null) {
    // It can't have content (RFC 9110, section 15.3.6), and often doesn't say so.
    return status === 205 ? undefined : new BodyToTheEnd(input);
  }
  const [, bytes] = /^(\d{1,15})(?:, \1)*$/.exec(length) ?? [];
  if (bytes === undefined) {
    throw malformed(`with content-length ${JSON.stringify(length)}`);
  }
  return new BodyOfLength(input, Number(bytes));
}

/** A body whose length was told before. */
class BodyOfLength implements Http1Body {
  constructor(private readonly input: ByteInput, private left: number) {}

  get isOver(): boolean {
    return this.left === 0;
  }

  read(maxBytes = Infinity): Bytes | undefined | Promise<Bytes | undefined> {
    if (this.left === 0) return undefined;
    if (this.input.length > 0) return this.#take(maxBytes);
    return this.#takeLater(maxBytes);
  }

  async #takeLater(maxBytes: number): Promise<Bytes> {
    if (await this.input.fill()) return this.#take(maxBytes);
    throw endsEarly();
  }

  #take(maxBytes: number): Bytes {
    const piece = this.input.take(Math.min(this.left, maxBytes));
    this.left -= piece.length;
    return piece;
  }
}

/** A body that ends with its connection. */
class BodyToTheEnd implements Http1Body {
  isOver = false;

  constructor(private readonly input: ByteInput) {}

  async read(maxBytes = Infinity): Promise<Bytes | undefined> {
    const isHere = this.input.length > 0 || await this.input.fill();
    if (isHere) return this.input.take(maxBytes);
    this.isOver = true;
    return undefined;
  }
}

/** A body in chunks, each with its length before it (RFC 9112, section 7.1). */
class ChunkedBody implements Http1Body {
  #left = 0;
  #isFirst = true;
  isOver = false;

  constructor(private readonly input: ByteInput) {}

  async read(maxBytes = Infinity): Promise<Bytes | undefined> {
    if (this.isOver) return undefined;
    if (this.#left === 0) this.#left = await this.#nextLength();
    if (this.#left === 0) return await this.#end();
    if (this.input.length === 0 && !await this.input.fill()) throw endsEarly();
    const piece = this.input.take(Math.min(this.#left, maxBytes));
    this.#left -= piece.length;
    return piece;
  }

  async #nextLength(): Promise<number> {
    if (!this.#isFirst && await this.#line() !== "") {
      throw malformed("with a chunk longer than it said");
    }
    this.#isFirst = false;
    const line = await this.#line();
    const [, digits] = /^([0-9A-Fa-f]{1,12})[\t ]*(?:;.*)?$/.exec(line) ?? [];
    if (digits === undefined) throw malformed("with a chunk of no length");
    return parseInt(digits, 16);
  }

  /** Past the trailers, which nobody asked for. */
  async #end(): Promise<undefined> {
    let bytes = 0;
    for (;;) {
      const line = await this.#line();
      if (line === "") break;
      bytes += line.length;
      if (bytes > maxLineBytes) throw malformed("with endless trailers");
    }
    this.isOver = true;
  }

  async #line(): Promise<string> {
    for (;;) {
      const { here } = this.input;
      const end = here.indexOf(10);
      if (end > 0 && here[end - 1] === 13) {
        const line = String.fromCharCode(...here.subarray(0, end - 1));
        this.input.take(end + 1);
        return line;
      }
      if (end !== -1 || here.length > maxLineBytes) {
        throw malformed("with chunks that are not HTTP/1.1");
      }
      if (!await this.input.fill()) throw endsEarly();
    }
  }
}

function endsEarly(): TripError {
  return new TripError("the connection was closed within the body", true);
}
