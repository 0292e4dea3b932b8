import { quote } from "../../base/options.ts";
import { isObject, type JsonObject } from "../jsonrpc.ts";
import { isPattern } from "./safe_pattern.ts";

/** A schema: an object of keywords, or `true` or `false`. */
export type SchemaNode = JsonObject | boolean;

/** A schema within another, with the keys that lead to it. */
export interface Subschema {
  readonly path: readonly string[];
  readonly node: unknown;
}

/** The keywords that hold a schema or a list of them. */
const HOLDS_SCHEMAS = new Set([
  "additionalItems",
  "additionalProperties",
  "allOf",
  "anyOf",
  "contains",
  "contentSchema",
  "else",
  "if",
  "items",
  "not",
  "oneOf",
  "prefixItems",
  "propertyNames",
  "then",
  "unevaluatedItems",
  "unevaluatedProperties",
]);

/** The keywords that hold schemas by name. */
const HOLDS_NAMED = new Set([
  "$defs",
  "definitions",
  "dependencies",
  "dependentSchemas",
  "patternProperties",
  "properties",
]);

/** The types of JSON Schema, each with the values that are of it. */
export const TYPES: ReadonlyMap<unknown, (value: unknown) => boolean> = new Map(
  Object.entries({
    array: Array.isArray,
    boolean: (value: unknown) => typeof value === "boolean",
    integer: Number.isInteger,
    null: (value: unknown) => value === null,
    number: Number.isFinite,
    object: isObject,
    string: (value: unknown) => typeof value === "string",
  }),
);

/**
 * Lists the schemas directly within a schema. Whatever else it holds is data
 * (`const`, `default`, `enum`, `examples`) or no concern of JSON Schema's.
 */
export function subschemasOf(schema: JsonObject): Subschema[] {
  const found: Subschema[] = [];
  for (const [keyword, value] of Object.entries(schema)) {
    if (HOLDS_NAMED.has(keyword) && isObject(value)) {
      for (const [name, node] of Object.entries(value)) {
        // `dependencies` may hold lists of names as well.
        if (!Array.isArray(node)) found.push({ path: [keyword, name], node });
      }
    } else if (HOLDS_SCHEMAS.has(keyword)) {
      if (Array.isArray(value)) {
        value.forEach((node, index) =>
          found.push({ path: [keyword, String(index)], node })
        );
      } else found.push({ path: [keyword], node: value });
    }
  }
  return found;
}

export function isSchema(value: unknown): value is SchemaNode {
  return typeof value === "boolean" || isObject(value);
}

const isNames = (value: unknown) =>
  Array.isArray(value) && value.every((each) => typeof each === "string");

/** The values that keywords may hold, in words and as a test. */
const SHAPES: readonly (readonly [
  expected: string,
  fits: (value: unknown) => boolean,
  keywords: string,
])[] = [
  [
    "a string",
    (value) => typeof value === "string",
    "$anchor $dynamicAnchor $dynamicRef $id $ref format",
  ],
  ["true or false", (value) => typeof value === "boolean", "uniqueItems"],
  [
    "a number",
    Number.isFinite,
    "exclusiveMaximum exclusiveMinimum maximum minimum",
  ],
  [
    "a number above 0",
    (value) => Number.isFinite(value) && value as number > 0,
    "multipleOf",
  ],
  [
    "a whole number of at least 0",
    (value) => Number.isInteger(value) && value as number >= 0,
    "maxContains maxItems maxLength maxProperties " +
    "minContains minItems minLength minProperties",
  ],
  ["a regular expression", isPattern, "pattern"],
  [
    "an object of schemas by regular expression",
    (value) => isObject(value) && Object.keys(value).every(isPattern),
    "patternProperties",
  ],
  ["a list of values", Array.isArray, "enum"],
  ["a list of names", isNames, "required"],
  [
    "a list of schemas that is not empty",
    (value) => Array.isArray(value) && value.length > 0,
    "allOf anyOf oneOf prefixItems",
  ],
  [
    "an object",
    isObject,
    "$defs definitions dependencies dependentSchemas properties",
  ],
  [
    "an object of lists of names",
    (value) => isObject(value) && Object.values(value).every(isNames),
    "dependentRequired",
  ],
  [
    `one of ${[...TYPES.keys()].join(", ")}, or a list of them`,
    (value) =>
      Array.isArray(value)
        ? value.length > 0 && value.every((each) => TYPES.has(each))
        : TYPES.has(value),
    "type",
  ],
];

const SHAPE_OF = new Map(
  SHAPES.flatMap(([expected, fits, keywords]) =>
    keywords.split(" ").map((keyword) => [keyword, { expected, fits }] as const)
  ),
);

/** Keywords with values of any shape. */
const ANY_VALUE = new Set(
  ("$comment $schema $vocabulary const contentEncoding contentMediaType default " +
    "deprecated description examples id nullable readOnly title writeOnly")
    .split(" "),
);

/** Tells if a name means anything in a JSON Schema. */
export function isKeyword(name: string): boolean {
  return SHAPE_OF.has(name) || HOLDS_SCHEMAS.has(name) ||
    HOLDS_NAMED.has(name) || ANY_VALUE.has(name) || name.startsWith("x-");
}

/** Says what is wrong with a keyword's value, after the keyword, or `undefined`. */
export function keywordFault(
  keyword: string,
  value: unknown,
  tuples: boolean,
): string | undefined {
  const shape = SHAPE_OF.get(keyword);
  if (shape !== undefined) {
    return shape.fits(value)
      ? undefined
      : `must be ${shape.expected}, got ${quote(value)}`;
  }
  if (!HOLDS_SCHEMAS.has(keyword) || isSchema(value)) return undefined;
  if (!Array.isArray(value)) return `must be a schema, got ${quote(value)}`;
  if (keyword === "items" && tuples) return undefined;
  return keyword === "items"
    ? "must be a schema, got a list: say prefixItems for a tuple"
    : "must be a schema, got a list";
}
