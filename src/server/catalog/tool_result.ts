import { isObject } from "../../protocol/jsonrpc.ts";
import type { CallToolResult, ContentBlock } from "../../protocol/types.ts";

/** A handler returned something that can't be made a tool result. */
export class ToolResultError extends TypeError {
  override readonly name = "ToolResultError";
}

const CONTENT_TYPES = new Set([
  "text",
  "image",
  "audio",
  "resource",
  "resource_link",
]);

/**
 * Makes a full tool result of whatever a handler returned: a full result, content
 * blocks, a string, or any other JSON value.
 *
 * @throws {ToolResultError | TypeError} if it can't be said in JSON
 */
export function toToolResult(
  value: unknown,
  hasOutputSchema: boolean,
): CallToolResult {
  if (isObject(value)) {
    if (isToolResult(value)) return completeResult(value);
    return structured(value);
  }
  if (Array.isArray(value) && value.length > 0 && value.every(isContentBlock)) {
    return { content: value };
  }
  if (hasOutputSchema) return structured(value);
  if (value === undefined || value === null) return { content: [] };
  return textResult(typeof value === "string" ? value : jsonText(value));
}

/** A result of one text block. */
export function textResult(text: string): CallToolResult {
  return { content: [{ type: "text", text }] };
}

/** A result that tells the model what went wrong. */
export function errorResult(text: string): CallToolResult {
  return { content: [{ type: "text", text }], isError: true };
}

function isToolResult(value: Record<string, unknown>): boolean {
  return Array.isArray(value.content) ||
    value.structuredContent !== undefined ||
    typeof value.isError === "boolean" || typeof value.resultType === "string";
}

function completeResult(value: Record<string, unknown>): CallToolResult {
  const { content, structuredContent } = value;
  if (content === undefined) {
    return {
      ...value,
      content: structuredContent === undefined
        ? []
        : [{ type: "text", text: jsonText(structuredContent) }],
    } as CallToolResult;
  }
  if (!Array.isArray(content)) {
    throw new ToolResultError("the result's content must be an array");
  }
  for (let index = 0; index < content.length; index++) {
    if (!isContentBlock(content[index])) {
      throw new ToolResultError(
        `the result's content[${index}] is no content block: it needs a type ` +
          `of ${[...CONTENT_TYPES].join(", ")} and what belongs to it`,
      );
    }
  }
  const needsText = structuredContent !== undefined &&
    !isObject(structuredContent) &&
    !content.some((block) => block.type === "text");
  return (needsText
    ? {
      ...value,
      content: [...content, {
        type: "text",
        text: jsonText(structuredContent),
      }],
    }
    : value) as CallToolResult;
}

function isContentBlock(block: unknown): block is ContentBlock {
  if (!isObject(block)) return false;
  switch (block.type) {
    case "text":
      return typeof block.text === "string";
    case "image":
    case "audio":
      return typeof block.data === "string" &&
        typeof block.mimeType === "string";
    case "resource":
      return isObject(block.resource) && typeof block.resource.uri === "string";
    case "resource_link":
      return typeof block.uri === "string";
    default:
      return false;
  }
}

function structured(value: unknown): CallToolResult {
  return {
    content: [{ type: "text", text: jsonText(value) }],
    structuredContent: value,
  } as CallToolResult;
}

function jsonText(value: unknown): string {
  const text = JSON.stringify(value);
  if (text === undefined) {
    throw new ToolResultError(`a ${typeof value} can't be sent as JSON`);
  }
  return text;
}
