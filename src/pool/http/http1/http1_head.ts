import type { ResponseHead } from "../response_head.ts";
import { TripError } from "../transport.ts";
import type { ByteInput } from "./byte_input.ts";

/** The largest head that is read, with those that announce it, in bytes. */
const maxHeadBytes = 64 * 1024;

/** The most fields in it: `Headers` takes time by the square of their number. */
const maxFields = 1_000;

const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t -~\x80-\xff]*))?$/;
const fieldLines = /^(?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*)*$/;

/** The bytes with which every head begins. */
const beginning = new TextEncoder().encode("HTTP/1.");

const decoder = new TextDecoder();

/** The head of a response as HTTP/1.1 writes it (RFC 9112, sections 4 and 5). */
export class Http1Head implements ResponseHead {
  readonly #names: string[] = [];
  readonly #values: string[] = [];

  private constructor(
    readonly minorVersion: number,
    readonly status: number,
    readonly statusText: string,
  ) {}

  /** @throws {TripError} for what is no head. */
  static parse(text: string): Http1Head {
    const end = text.indexOf("\r\n");
    const first = end === -1 ? text : text.slice(0, end);
    const rest = end === -1 ? "" : text.slice(end);
    const line = statusLine.exec(first);
    if (line === null || !fieldLines.test(rest)) {
      throw malformed("with something else than HTTP/1.1");
    }
    const head = new Http1Head(Number(line[1]), Number(line[2]), line[3] ?? "");
    for (let at = 2; at < rest.length;) {
      const colon = rest.indexOf(":", at);
      const next = rest.indexOf("\r\n", colon);
      const stop = next === -1 ? rest.length : next;
      head.#names.push(rest.slice(at, colon).toLowerCase());
      head.#values.push(trimmed(rest, colon + 1, stop));
      at = stop + 2;
    }
    if (head.#names.length > maxFields) {
      throw malformed(`with more than ${maxFields} headers`);
    }
    return head;
  }

  get(name: string): string | null {
    let found: string | null = null;
    for (let index = 0; index < this.#names.length; index++) {
      if (this.#names[index] !== name) continue;
      const value = this.#values[index];
      found = found === null ? value : `${found}, ${value}`;
    }
    return found;
  }

  /**
   * True if the connection can be used again (RFC 9112, section 9.3): not after
   * an answer that others may cut in another way (section 6.3).
   */
  get keepsConnection(): boolean {
    const isAmbiguous = this.get("content-length") !== null &&
      this.get("transfer-encoding") !== null;
    if (isAmbiguous) return false;
    const options = this.get("connection");
    return this.minorVersion === 1
      ? !hasOption(options, "close")
      : hasOption(options, "keep-alive");
  }

  toHeaders(): Headers {
    return new Headers(
      this.#names.map((name, index) => [name, this.#values[index]]),
    );
  }
}

/**
 * Reads the head of the response, past those that only announce it (RFC 9110,
 * section 15.2).
 *
 * @throws {TripError} when there is none.
 */
export async function readHead(input: ByteInput): Promise<Http1Head> {
  let searched = 0;
  let past = 0;
  for (;;) {
    const { here } = input;
    const end = endOfHead(here, searched);
    searched = here.length;
    if (past + (end === -1 ? searched : end) > maxHeadBytes) {
      throw malformed(`with headers of more than ${maxHeadBytes} bytes`);
    }
    if (end === -1) {
      refuseOther(here);
      if (await input.fill()) continue;
      throw searched === 0
        ? new TripError("the connection was closed without an answer", true)
        : malformed("with half a head");
    }
    const head = Http1Head.parse(asText(here.subarray(0, end)));
    input.take(end + 4);
    past += end;
    searched = 0;
    if (head.status >= 200) return head;
    if (head.status === 101) {
      throw malformed("by switching to a protocol that nobody asked for");
    }
  }
}

/** Says if an option is among those of a `connection` header (RFC 9110, section 7.6.1). */
export function hasOption(header: string | null, option: string): boolean {
  return header !== null &&
    header.toLowerCase().split(",").some((each) => each.trim() === option);
}

/** An error for a server that doesn't speak as it should. */
export function malformed(how: string): TripError {
  return new TripError(`the server answered ${how}`, true);
}

/** @throws {TripError} for what can't become a head, so that no more of it is waited for. */
function refuseOther(bytes: Uint8Array): void {
  const isOther = beginning.some((byte, at) =>
    at < bytes.length && bytes[at] !== byte
  );
  if (isOther) throw malformed("with something else than HTTP/1.1");
  const line = bytes.indexOf(10);
  if (line !== -1 && bytes[line - 1] !== 13) {
    throw malformed("with lines that end in a bare line feed");
  }
}

/** The place of the empty line that ends a head, or -1. */
function endOfHead(bytes: Uint8Array, searched: number): number {
  for (let at = Math.max(3, searched); at < bytes.length; at++) {
    if (
      bytes[at] === 10 && bytes[at - 1] === 13 && bytes[at - 2] === 10 &&
      bytes[at - 3] === 13
    ) return at - 3;
  }
  return -1;
}

/** Each byte as one character (RFC 9110, section 5.5), by way of UTF-8 where that is the same. */
function asText(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  if (text.length === bytes.length && /^[\0-\x7f]*$/.test(text)) return text;
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

function trimmed(text: string, start: number, end: number): string {
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}
