import type { JsonObject } from "../protocol/jsonrpc.ts";

/**
 * A result that is already JSON, in each era's form and without its closing
 * brace, so that what every response shares can be appended. Lists are kept this
 * way and sent as they are.
 */
export class ReadyJson {
  readonly modern: string;
  readonly legacy: string;

  constructor(modern: string, legacy: string) {
    this.modern = modern;
    this.legacy = legacy;
  }

  /** The result as an object, for middleware to look at. */
  parse(era: "modern" | "legacy"): JsonObject {
    return JSON.parse(`${this[era]}}`);
  }
}
