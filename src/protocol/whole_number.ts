import type { RequestId } from "./types.ts";

/**
 * A whole number beyond 2^53 as a client wrote it, which no JavaScript number
 * holds. It stands for an id or a progress token, and is echoed as it came.
 */
export class WholeNumber {
  readonly #text: string;

  /** @param text as it stood in the JSON */
  constructor(text: string) {
    this.#text = text;
  }

  /** The same for equal numbers, and for nothing else. */
  get key(): bigint {
    return BigInt(
      /^-?\d+$/.test(this.#text) ? this.#text : Number(this.#text),
    );
  }

  toString(): string {
    return this.#text;
  }

  toJSON(): unknown {
    return rawJson(this.#text);
  }
}

/** A JSON text that `JSON.stringify` writes as it is. */
const { rawJSON: rawJson } = JSON as unknown as {
  rawJSON(text: string): unknown;
};

/** Key that an id is kept under: of two that are equal, the same. */
export function idKey(id: RequestId): RequestId | bigint {
  return (id as unknown) instanceof WholeNumber
    ? (id as unknown as WholeNumber).key
    : id;
}
