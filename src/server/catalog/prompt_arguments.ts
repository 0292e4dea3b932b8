import { InvalidOptionError } from "../../base/errors.ts";
import { isObject } from "../../protocol/jsonrpc.ts";
import {
  isStandardSchema,
  type JsonSchema,
  type StandardSchema,
} from "../../protocol/standard_schema.ts";

/** Samples for trying schemas that read something out of a text. */
const SAMPLES = ["", "a", "1", "true", "null", "[]", "{}", "2026-01-31"];

const MAX_DEPTH = 32;

/**
 * Refuses an argument that no client could ever give: the arguments of prompts
 * are strings. A schema that makes something else of a text will do.
 *
 * @param shape the schemas of the arguments, where their library shows them
 * @throws {InvalidOptionError} naming the argument
 */
export function checkArguments(
  prompt: string,
  schema: JsonSchema,
  shape: Record<string, unknown> | undefined,
): void {
  const properties = isObject(schema.properties) ? schema.properties : {};
  for (const [name, field] of Object.entries(properties)) {
    if (allowsText(field, schema, 0) || takesText(shape?.[name])) continue;
    throw new InvalidOptionError(
      `prompt ${prompt}: argument ${name} takes no string, and clients send ` +
        "nothing else: use a string, or what reads one, such as z.coerce.number()",
    );
  }
}

/** Tells if a field takes some text, whatever its JSON Schema says. */
function takesText(field: unknown): boolean {
  return isStandardSchema(field) &&
    SAMPLES.some((sample) => takes(field, sample));
}

/** A schema that takes its time can't be waited for here; it may. */
function takes(field: StandardSchema, sample: string): boolean {
  try {
    const result = field["~standard"].validate(sample);
    if (!(result instanceof Promise)) return result.issues === undefined;
    // zod goes on in a promise where a transformation has thrown.
    result.catch(() => {});
    return true;
  } catch {
    return false;
  }
}

/** Tells if a JSON Schema leaves room for a string; what can't be told may. */
function allowsText(schema: unknown, root: JsonSchema, depth: number): boolean {
  if (!isObject(schema) || depth > MAX_DEPTH) return schema !== false;
  const allows = (each: unknown) => allowsText(each, root, depth + 1);
  const { type, enum: values, allOf, anyOf, oneOf, $ref } = schema;
  if (type !== undefined && ![type].flat().includes("string")) return false;
  if ("const" in schema && typeof schema.const !== "string") return false;
  if (
    Array.isArray(values) && !values.some((each) => typeof each === "string")
  ) {
    return false;
  }
  if (typeof $ref === "string" && !allows(target($ref, root))) return false;
  return (!Array.isArray(allOf) || allOf.every(allows)) &&
    [anyOf, oneOf].every((each) => !Array.isArray(each) || each.some(allows));
}

/** Target of a pointer within the schema, if it leads anywhere. */
function target($ref: string, root: JsonSchema): unknown {
  if (!$ref.startsWith("#/")) return undefined;
  let found: unknown = root;
  for (const step of $ref.slice(2).split("/")) {
    const key = decodeURIComponent(step).replaceAll("~1", "/").replaceAll(
      "~0",
      "~",
    );
    found = isObject(found) || Array.isArray(found)
      ? (found as Record<string, unknown>)[key]
      : undefined;
  }
  return found;
}
