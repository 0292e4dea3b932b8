import { byteLength } from "../../base/byte_length.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";
import type { Era } from "../../protocol/revision.ts";

/**
 * A result that is already JSON, in each era's form and without its closing
 * brace, so that what every response shares can be appended. Lists are kept this
 * way and sent as they are.
 */
export class ReadyJson {
  readonly modern: string;
  readonly legacy: string;
  readonly #excess: Partial<Record<Era, number>> = {};

  constructor(modern: string, legacy: string) {
    this.modern = modern;
    this.legacy = legacy;
  }

  /**
   * Number of bytes that it has beyond its characters. Long lists are measured
   * once (bench/http.ts, "list").
   */
  excess(era: Era): number {
    const text = this[era];
    return this.#excess[era] ??= byteLength(text) - text.length;
  }

  /** The result as an object, for middleware to look at. */
  parse(era: Era): JsonObject {
    return JSON.parse(`${this[era]}}`);
  }
}
