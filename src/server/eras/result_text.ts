import { byteLength } from "../../base/byte_length.ts";
import { quote } from "../../base/options.ts";
import { wellFormedJson } from "../../base/well_formed_json.ts";
import { jsonText } from "../../protocol/json_value.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";

/** Number of bytes that a text has beyond its characters. */
export function excessOf(text: string): number {
  return byteLength(text) - text.length;
}

/**
 * The text of a result that has nothing but one, as most have. Written by hand
 * it costs a third of what `JSON.stringify` takes (bench/http.ts, "echo").
 */
export function loneText(result: JsonObject): string | undefined {
  const { content } = result;
  if (!Array.isArray(content) || content.length !== 1) return undefined;
  const [block] = content;
  for (const key in result) if (key !== "content") return undefined;
  for (const key in block) {
    if (key !== "type" && key !== "text") return undefined;
  }
  return block?.type === "text" && typeof block.text === "string"
    ? block.text
    : undefined;
}

/**
 * @param seen whether it is known that the value can be said in JSON
 * @throws {TypeError} if a value is no object
 * @throws {JsonValueError} if it has no form in JSON
 */
export function objectText(value: unknown, seen: boolean = false): string {
  const text = seen ? wellFormedJson(JSON.stringify(value)) : jsonText(value);
  if (text[0] === "{") return text;
  throw new TypeError(`a result must be an object, got ${quote(value)}`);
}
