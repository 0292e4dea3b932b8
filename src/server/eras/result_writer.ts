import { byteLength } from "../../base/byte_length.ts";
import { quote } from "../../base/options.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";
import type { Era } from "../../protocol/revision.ts";
import { ReadyJson } from "./ready_json.ts";

/**
 * Writes results as JSON, in the form of their era, and measures them piece by
 * piece: a text put together of pieces would have to be copied for that.
 */
export class ResultWriter {
  /** How many more bytes than characters the last result has. */
  excess = 0;
  readonly #serverMeta: JsonObject;
  /** What every modern result ends with. */
  readonly #modernTail: string;
  readonly #tailExcess: number;

  /** @param serverMeta what every modern result has in its `_meta` */
  constructor(serverMeta: JsonObject) {
    this.#serverMeta = serverMeta;
    this.#modernTail = Object.keys(serverMeta).length === 0
      ? ',"resultType":"complete"}'
      : `,"resultType":"complete","_meta":${JSON.stringify(serverMeta)}}`;
    this.#tailExcess = excessOf(this.#modernTail);
  }

  /** @throws {TypeError} if the result is no object, or can't be said in JSON */
  write(result: unknown, era: Era): string {
    this.excess = era === "modern" ? this.#tailExcess : 0;
    if (result instanceof ReadyJson) {
      this.excess += result.excess(era);
      return era === "modern"
        ? result.modern + this.#modernTail
        : `${result.legacy}}`;
    }
    const { resultType, _meta, content } = (result ?? {}) as JsonObject;
    if (era === "legacy") {
      return this.#measured(objectText(
        resultType === undefined
          ? result
          : { ...result as JsonObject, resultType: undefined },
      ));
    }
    if (resultType !== undefined || _meta !== undefined) {
      this.excess = 0;
      return this.#measured(JSON.stringify({
        resultType: "complete",
        ...result as JsonObject,
        _meta: { ...this.#serverMeta, ..._meta as JsonObject },
      }));
    }
    if (Array.isArray(content) && content.length === 1) {
      const text = loneText(result as JsonObject, content[0]);
      if (text !== undefined) {
        return `{"content":[{"type":"text","text":${
          this.#measured(JSON.stringify(text))
        }}]${this.#modernTail}`;
      }
    }
    const text = this.#measured(objectText(result));
    return text === "{}"
      ? `{${this.#modernTail.slice(1)}`
      : text.slice(0, -1) + this.#modernTail;
  }

  #measured(piece: string): string {
    this.excess += excessOf(piece);
    return piece;
  }
}

function excessOf(text: string): number {
  return byteLength(text) - text.length;
}

/**
 * The text of a result that has nothing but one, as most have. Written by hand
 * it costs a third of what `JSON.stringify` takes (bench/http.ts, "echo").
 */
function loneText(result: JsonObject, block: JsonObject): string | undefined {
  for (const key in result) if (key !== "content") return undefined;
  for (const key in block) {
    if (key !== "type" && key !== "text") return undefined;
  }
  return block.type === "text" && typeof block.text === "string"
    ? block.text
    : undefined;
}

function objectText(value: unknown): string {
  const text = JSON.stringify(value);
  if (text?.[0] === "{") return text;
  throw new TypeError(`a result must be an object, got ${quote(value)}`);
}
