import { isObject, type JsonObject } from "./jsonrpc.ts";
import type { ContentBlock } from "./types.ts";

/** The types of content blocks, and the members that belong to each alone. */
const OWN_MEMBERS: Record<string, readonly string[]> = {
  text: ["text"],
  image: ["data", "mimeType"],
  audio: ["data", "mimeType"],
  resource: ["resource"],
  resource_link: [
    "uri",
    "name",
    "title",
    "description",
    "mimeType",
    "size",
    "icons",
  ],
};
const BLOCK_TYPES = Object.keys(OWN_MEMBERS);
const ALL_BLOCKS_MEMBERS = ["type", "annotations", "_meta"];

/** Base64 as every client reads it; white space is passed over. */
const BASE64 = /^[\sA-Za-z\d+/]*(?:={1,2}\s*)?$/;

/** ISO 8601 with a zone, as official clients demand it. */
const TIMESTAMP =
  /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/;

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isBase64: Check = (value) =>
  typeof value === "string" && BASE64.test(value);
const isRole: Check = (value) => value === "user" || value === "assistant";
const listOf = (check: Check): Check => (value) =>
  Array.isArray(value) && value.every(check);

const ANNOTATIONS: Record<string, Check> = {
  audience: listOf(isRole),
  priority: (value) => typeof value === "number" && value >= 0 && value <= 1,
  lastModified: (value) => typeof value === "string" && TIMESTAMP.test(value),
};

const ICON: Record<string, Check> = {
  src: isText,
  mimeType: isText,
  sizes: listOf(isText),
};

/** Checks of official clients, v1 and v2, on the members of a block. */
const MEMBERS: Record<string, Check> = {
  annotations: (value) => isObject(value) && fits(value, ANNOTATIONS),
  _meta: isObject,
  mimeType: isText,
  title: isText,
  description: isText,
  size: (value) => typeof value === "number",
  icons: isIconList,
};

/** Tells if official clients take a value for a list of icons. */
export function isIconList(value: unknown): boolean {
  return Array.isArray(value) &&
    value.every((icon) =>
      isObject(icon) && isText(icon.src) && fits(icon, ICON)
    );
}

/** Tells if the members that are there pass their checks. */
function fits(object: JsonObject, checks: Record<string, Check>): boolean {
  for (const key in object) {
    if (object[key] === undefined || !Object.hasOwn(checks, key)) continue;
    if (!checks[key](object[key])) return false;
  }
  return true;
}

/** Tells if a value claims to be a content block, be it a good one or not. */
export function claimsToBeBlock(value: unknown): boolean {
  return isObject(value) && BLOCK_TYPES.includes(value.type as string);
}

/** Tells if official clients take a value for a content block. */
export function isContentBlock(block: unknown): boolean {
  return isObject(block) && hasItsOwn(block) && fits(block, MEMBERS);
}

/** Tells if a value is a content block and nothing more, as a row of data may be. */
export function isContentBlockAlone(block: unknown): boolean {
  return isContentBlock(block) &&
    Object.keys(block as JsonObject).every((key) =>
      ALL_BLOCKS_MEMBERS.includes(key) ||
      OWN_MEMBERS[(block as ContentBlock).type].includes(key)
    );
}

function hasItsOwn(block: JsonObject): boolean {
  switch (block.type) {
    case "text":
      return isText(block.text);
    case "image":
    case "audio":
      return isBase64(block.data) && isText(block.mimeType);
    case "resource":
      return isResourceContents(block.resource);
    case "resource_link":
      return isText(block.uri) && isText(block.name);
    default:
      return false;
  }
}

/** Tells if a value is a block of what a model says, or is told. */
export function isSamplingBlock(block: unknown): boolean {
  if (!isObject(block)) return false;
  switch (block.type) {
    case "text":
    case "image":
    case "audio":
      return isContentBlock(block);
    case "tool_use":
      return isText(block.id) && isText(block.name) && isObject(block.input);
    case "tool_result":
      return isText(block.toolUseId) && Array.isArray(block.content) &&
        block.content.every(isContentBlock);
    default:
      return false;
  }
}

/** Tells if official clients take a value for a part of a resource. */
export function isResourceContents(value: unknown): boolean {
  return isObject(value) && isText(value.uri) &&
    (isText(value.text) || isBase64(value.blob)) && fits(value, MEMBERS);
}

/** Tells if official clients take a value for a message of a prompt. */
export function isPromptMessage(value: unknown): boolean {
  return isObject(value) && isRole(value.role) && isContentBlock(value.content);
}

/** Rule for a content block, for messages. */
export const BLOCK_RULE = `it needs a type of ${
  BLOCK_TYPES.join(", ")
} and what belongs to it`;
