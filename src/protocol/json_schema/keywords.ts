import { quote } from "../../base/options.ts";
import { isObject, type JsonObject } from "../jsonrpc.ts";

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

const TYPES = new Set([
  "array",
  "boolean",
  "integer",
  "null",
  "number",
  "object",
  "string",
]);

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

interface Shape {
  readonly fits: (value: unknown) => boolean;
  readonly expected: string;
}

const isCount = (value: unknown) =>
  typeof value === "number" && Number.isInteger(value) && value >= 0;
const isNames = (value: unknown) =>
  Array.isArray(value) && value.every((each) => typeof each === "string");
const isType = (value: unknown) => TYPES.has(value as string);

const text: Shape = {
  fits: (value) => typeof value === "string",
  expected: "a string",
};
const number: Shape = { fits: Number.isFinite, expected: "a number" };
const count: Shape = {
  fits: isCount,
  expected: "a whole number of at least 0",
};
const names: Shape = { fits: isNames, expected: "a list of names" };
const named: Shape = { fits: isObject, expected: "an object" };
const list: Shape = {
  fits: (value) => Array.isArray(value) && value.length > 0,
  expected: "a list of schemas that is not empty",
};

const SHAPES: Readonly<Record<string, Shape>> = {
  $anchor: text,
  $defs: named,
  $dynamicAnchor: text,
  $dynamicRef: text,
  $id: text,
  $ref: text,
  allOf: list,
  anyOf: list,
  definitions: named,
  dependencies: named,
  dependentRequired: {
    fits: (value) => isObject(value) && Object.values(value).every(isNames),
    expected: "an object of lists of names",
  },
  dependentSchemas: named,
  enum: { fits: Array.isArray, expected: "a list of values" },
  exclusiveMaximum: number,
  exclusiveMinimum: number,
  format: text,
  maxContains: count,
  maxItems: count,
  maxLength: count,
  maxProperties: count,
  maximum: number,
  minContains: count,
  minItems: count,
  minLength: count,
  minProperties: count,
  minimum: number,
  multipleOf: {
    fits: (value) => Number.isFinite(value) && (value as number) > 0,
    expected: "a number above 0",
  },
  oneOf: list,
  pattern: text,
  patternProperties: named,
  prefixItems: list,
  properties: named,
  required: names,
  type: {
    fits: (value) =>
      isType(value) ||
      (Array.isArray(value) && value.length > 0 && value.every(isType)),
    expected: `one of ${[...TYPES].join(", ")}, or a list of them`,
  },
  uniqueItems: {
    fits: (value) => typeof value === "boolean",
    expected: "true or false",
  },
};

/** Says what is wrong with a keyword's value, after the keyword, or `undefined`. */
export function keywordFault(
  keyword: string,
  value: unknown,
  tuples: boolean,
): string | undefined {
  const shape = Object.hasOwn(SHAPES, keyword) ? SHAPES[keyword] : undefined;
  if (shape !== undefined) {
    if (shape.fits(value)) return undefined;
    return `must be ${shape.expected}, got ${quote(value)}`;
  }
  if (!HOLDS_SCHEMAS.has(keyword) || isSchema(value)) return undefined;
  if (!Array.isArray(value)) return `must be a schema, got ${quote(value)}`;
  if (keyword === "items" && tuples) return undefined;
  return keyword === "items"
    ? "must be a schema, got a list: say prefixItems for a tuple"
    : "must be a schema, got a list";
}
