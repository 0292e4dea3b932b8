import { InvalidOptionError } from "../base/errors.ts";
import { isObject } from "./jsonrpc.ts";
import { fromJsonSchema } from "./json_schema.ts";
import {
  isStandardSchema,
  type JsonSchema,
  type StandardSchema,
  type StandardSchemaIssue,
  type StandardSchemaResult,
  type StandardSchemaWithJSON,
} from "./standard_schema.ts";

const TARGET = { target: "draft-2020-12" };

/** Anything that an author may give where a schema is asked for. */
export type SchemaLike =
  | StandardSchemaWithJSON
  | StandardSchema
  | Record<string, StandardSchema>
  | JsonSchema;

/** The schema of a call without arguments. */
export const EMPTY_OBJECT_SCHEMA: JsonSchema = {
  type: "object",
  properties: {},
};

/** Brings every kind of schema to the one that the engine works with. */
export function toStandardSchema(schema: SchemaLike): StandardSchemaWithJSON {
  if (isStandardSchema(schema)) return schema as StandardSchemaWithJSON;
  if (!isObject(schema)) {
    throw new InvalidOptionError(
      "a schema must be a Standard Schema (zod, valibot, arktype), a record " +
        `of them, or a JSON Schema object, got ${typeof schema}`,
    );
  }
  const values = Object.values(schema);
  if (values.length > 0 && values.every(isStandardSchema)) {
    return fromShape(schema as Record<string, StandardSchemaWithJSON>);
  }
  return values.length === 0
    ? fromShape({})
    : fromJsonSchema(schema as JsonSchema) as StandardSchemaWithJSON;
}

/** The schemas of an object's fields, where the library lets one see them. */
export function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  const shape = (schema as { shape?: unknown }).shape;
  return isObject(shape) ? shape : undefined;
}

/**
 * A schema as a JSON Schema. Input schemas must describe an object; an output
 * schema may have any root (SEP-2106).
 */
export function toJsonSchema(
  schema: StandardSchemaWithJSON,
  io: "input" | "output",
): JsonSchema {
  const { jsonSchema, vendor } = schema["~standard"];
  if (jsonSchema === undefined) {
    throw new InvalidOptionError(
      `schema library "${vendor}" can't say its schemas as JSON Schema: use ` +
        "zod 4.2 or later, arktype, valibot with @valibot/to-json-schema, or " +
        "wrap a JSON Schema in fromJsonSchema()",
    );
  }
  const converted = jsonSchema[io](TARGET);
  if (io === "output") {
    return converted.type === undefined && describesObject(converted, converted)
      ? { type: "object", ...converted }
      : converted;
  }
  if (converted.type !== undefined && converted.type !== "object") {
    throw new InvalidOptionError(
      `an input schema must describe an object, got type ${
        JSON.stringify(converted.type)
      }: wrap it in an object`,
    );
  }
  return { type: "object", ...converted };
}

/** True if a schema without `type` can only be satisfied by objects. */
function describesObject(schema: JsonSchema, root: JsonSchema): boolean {
  if (schema.type !== undefined) return schema.type === "object";
  const objectKeywords = [
    "properties",
    "patternProperties",
    "additionalProperties",
    "required",
  ];
  if (objectKeywords.some((keyword) => keyword in schema)) return true;
  const local = typeof schema.$ref === "string" &&
    /^#\/(\$defs|definitions)\/([^/~%]+)$/.exec(schema.$ref);
  if (local) {
    const target = (root[local[1]] as JsonSchema | undefined)?.[local[2]];
    return isObject(target) && target.type === "object";
  }
  return ["oneOf", "anyOf", "allOf"].some((keyword) => {
    const members = schema[keyword];
    return Array.isArray(members) && members.length > 0 &&
      members.every((each) => isObject(each) && describesObject(each, root));
  });
}

/** An object schema from the schemas of its fields, whatever their library. */
function fromShape(
  shape: Record<string, StandardSchemaWithJSON>,
): StandardSchemaWithJSON {
  const convert = (io: "input" | "output") => (): JsonSchema => {
    const properties: JsonSchema = {};
    const required: string[] = [];
    for (const [name, field] of Object.entries(shape)) {
      properties[name] = field["~standard"].jsonSchema[io](TARGET);
      if (!acceptsUndefined(field)) required.push(name);
    }
    return {
      type: "object",
      properties,
      ...(required.length > 0 && { required }),
    };
  };
  return {
    "~standard": {
      version: 1,
      vendor: "sluice",
      validate: (value) => validateShape(shape, value),
      jsonSchema: { input: convert("input"), output: convert("output") },
    },
  };
}

function acceptsUndefined(field: StandardSchema): boolean {
  const result = field["~standard"].validate(undefined);
  return !(result instanceof Promise) && result.issues === undefined;
}

async function validateShape(
  shape: Record<string, StandardSchema>,
  value: unknown,
): Promise<StandardSchemaResult<Record<string, unknown>>> {
  if (!isObject(value)) {
    return { issues: [{ message: "expected an object" }] };
  }
  const output: Record<string, unknown> = {};
  const issues: StandardSchemaIssue[] = [];
  for (const [name, field] of Object.entries(shape)) {
    const given = Object.hasOwn(value, name) ? value[name] : undefined;
    const result = await field["~standard"].validate(given);
    if (result.issues !== undefined) {
      issues.push(...result.issues.map((issue) => ({
        message: issue.message,
        path: [name, ...(issue.path ?? [])],
      })));
    } else if (result.value !== undefined) output[name] = result.value;
  }
  return issues.length > 0 ? { issues } : { value: output };
}
