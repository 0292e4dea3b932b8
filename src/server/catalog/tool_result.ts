import {
  BLOCK_RULE,
  claimsToBeBlock,
  isContentBlock,
  isContentBlockAlone,
} from "../../protocol/content_check.ts";
import { wellFormedJson } from "../../base/well_formed_json.ts";
import { jsonForm, jsonText } from "../../protocol/json_value.ts";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import {
  issuesText,
  type JsonSchema,
  type StandardSchema,
} from "../../protocol/standard_schema.ts";
import type { CallToolResult, ContentBlock } from "../../protocol/types.ts";
import { loneText } from "../eras/result_text.ts";

/** A handler returned something that can't be made a tool result. */
export class ToolResultError extends TypeError {
  override readonly name = "ToolResultError";
}

/** A tool result whose content is yet to be made of its structured content. */
export type ToolOutcome =
  & Omit<CallToolResult, "content">
  & { content?: ContentBlock[] };

/**
 * Tells what a handler returned: a full result, content blocks, a text, or data.
 * It is looked at as it will arrive, after `toJSON` and the like.
 *
 * @param outputJson the schema of the tool's structured content, if it has one
 * @throws {JsonValueError} if it has no form in JSON
 * @throws {ToolResultError} for a full result with a broken content block
 */
export function toToolOutcome(
  value: unknown,
  outputJson: JsonSchema | undefined,
): ToolOutcome {
  if (outputJson === undefined) {
    if (typeof value === "string") return textResult(value);
    // Most results are no more than this, and need no further look.
    if (isObject(value) && loneText(value) !== undefined) {
      return value as unknown as CallToolResult;
    }
  }
  const said = jsonForm(value);
  if (isObject(said)) {
    return isToolResult(said, outputJson)
      ? checkedBlocks(said)
      : { structuredContent: said };
  }
  if (outputJson !== undefined) return { structuredContent: said };
  if (
    Array.isArray(said) && said.length > 0 && said.every(isContentBlockAlone)
  ) return { content: said };
  if (said === undefined || said === null) return { content: [] };
  return textResult(typeof said === "string" ? said : jsonText(said));
}

/** A result of one text block. */
export function textResult(text: string): CallToolResult {
  return { content: [{ type: "text", text }] };
}

/** A result that tells the model what went wrong. */
export function errorResult(text: string): CallToolResult {
  return { content: [{ type: "text", text }], isError: true };
}

/**
 * The result with content: structured content is also a text, for clients that
 * know of no other; where it is an object, a text of the handler's own will do.
 */
export function withContent(outcome: ToolOutcome): CallToolResult {
  const { content, structuredContent } = outcome;
  if (structuredContent === undefined) {
    return content === undefined
      ? { ...outcome, content: [] }
      : outcome as CallToolResult;
  }
  const said = content !== undefined &&
    (isObject(structuredContent) ||
      content.some(({ type }) => type === "text"));
  if (said) return outcome as CallToolResult;
  // It was looked at before.
  const text = wellFormedJson(JSON.stringify(structuredContent));
  return { ...outcome, content: [...content ?? [], { type: "text", text }] };
}

/**
 * The outcome as the tool's schema has it: what is sent is what was checked, with
 * defaults filled in, and without members that the schema drops.
 *
 * @throws {ToolResultError} if it misses the schema
 */
export function parseOutcome(
  outcome: ToolOutcome,
  schema: StandardSchema,
  name: string,
): ToolOutcome | Promise<ToolOutcome> {
  if (outcome.structuredContent === undefined) {
    throw new ToolResultError(
      `Output validation error: Tool ${name} has an output schema but ` +
        "no structured content was provided",
    );
  }
  const take = ({ issues, value }: { issues?: Issues; value?: unknown }) => {
    if (issues === undefined) return withParsed(outcome, value);
    throw new ToolResultError(
      `Output validation error: Invalid structured content for tool ` +
        `${name}: ${issuesText(issues)}`,
    );
  };
  const parsed = schema["~standard"].validate(outcome.structuredContent);
  return parsed instanceof Promise ? parsed.then(take) : take(parsed);
}

type Issues = readonly { message: string }[];

/** Puts what was parsed in place of what was given, also where that is told as a text. */
function withParsed(outcome: ToolOutcome, parsed: unknown): ToolOutcome {
  const structuredContent = parsed === outcome.structuredContent
    ? parsed
    : jsonForm(parsed);
  const { content } = outcome;
  if (content === undefined) return { ...outcome, structuredContent };
  const given = JSON.stringify(outcome.structuredContent);
  const shown = content.map((block) =>
    block.type === "text" && says(block.text, given)
      ? {
        ...block,
        text: JSON.stringify(structuredContent, null, indentOf(block.text)),
      }
      : block
  );
  return { ...outcome, content: shown, structuredContent };
}

/** Tells if a text says the same as a JSON text, however it is laid out. */
function says(text: string, json: string): boolean {
  if (text[0] !== "{" && text[0] !== "[") return false;
  try {
    return JSON.stringify(JSON.parse(text)) === json;
  } catch {
    return false;
  }
}

function indentOf(text: string): string | undefined {
  return /\n([ \t]+)/.exec(text)?.[1];
}

/**
 * Tells if an object is a full result: all of its members are those of one, and
 * it has content. Where a schema says what the data is, nothing is a result that
 * the schema describes.
 */
function isToolResult(
  value: JsonObject,
  outputJson: JsonSchema | undefined,
): boolean {
  if (!hasMembersOfResult(value)) return false;
  if (outputJson === undefined) return true;
  const { properties } = outputJson;
  if (isObject(properties)) {
    return !Object.keys(value).every((key) => Object.hasOwn(properties, key));
  }
  return value.structuredContent !== undefined || value.isError === true;
}

function hasMembersOfResult(value: JsonObject): boolean {
  for (const key in value) if (!isMember(key, value[key])) return false;
  return value.content !== undefined || value.structuredContent !== undefined;
}

function isMember(key: string, value: unknown): boolean {
  switch (key) {
    case "content":
      // What claims to be blocks is told if they are broken.
      return Array.isArray(value) && value.every(claimsToBeBlock);
    case "structuredContent":
      return true;
    case "isError":
      return typeof value === "boolean";
    case "resultType":
      return value === "complete";
    case "_meta":
      return isObject(value);
    default:
      return false;
  }
}

/** @throws {ToolResultError} naming the block that is none */
function checkedBlocks(value: JsonObject): ToolOutcome {
  const { content = [] } = value as { content?: unknown[] };
  for (let index = 0; index < content.length; index++) {
    if (isContentBlock(content[index])) continue;
    throw new ToolResultError(
      `the result's content[${index}] is no content block: ${BLOCK_RULE}; ` +
        "if it is data, give the tool an outputSchema",
    );
  }
  return value as ToolOutcome;
}
