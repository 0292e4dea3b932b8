import { InvalidOptionError } from "../base/errors.ts";
import { quote } from "../base/options.ts";
import { thrownText } from "../base/thrown.ts";
import { isObject } from "./jsonrpc.ts";
import { isKeyword } from "./json_schema/keywords.ts";
import { propertySchema } from "./json_schema/moved_schema.ts";
import { readJsonSchema } from "./json_schema.ts";
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

/** A schema as the engine works with it. */
export interface ReadSchema {
  /** Checks values. */
  readonly standard: StandardSchemaWithJSON;
  /** Describes them to clients. */
  readonly json: JsonSchema;
}

/**
 * Reads a schema of any kind, to the end: what can't be used is said now.
 *
 * @param where Begins what errors say, such as `tool add: inputSchema`.
 * @throws {InvalidOptionError} naming the field, where one can be told.
 */
export function readSchema(
  schema: SchemaLike,
  io: "input" | "output",
  where: string,
): ReadSchema {
  const standard = toStandardSchema(schema, where);
  return { standard, json: toJsonSchema(standard, io, where) };
}

/** Brings every kind of schema to the one that the engine works with. */
export function toStandardSchema(
  schema: SchemaLike,
  where: string = "schema",
): StandardSchemaWithJSON {
  if (isStandardSchema(schema)) return schema as StandardSchemaWithJSON;
  if (!isObject(schema)) {
    throw new InvalidOptionError(
      `${where}: a schema must be a Standard Schema (zod, valibot, arktype), a record ` +
        `of them, or a JSON Schema object, got ${typeof schema}`,
    );
  }
  if (Object.values(schema).every(isStandardSchema)) {
    return fromShape(schema as Record<string, StandardSchemaWithJSON>);
  }
  refuseBrokenShape(schema, where);
  return readJsonSchema(schema, where);
}

/**
 * Refuses a record of schemas with something else among them: read as a JSON
 * Schema it would let everything pass.
 */
function refuseBrokenShape(schema: JsonSchema, where: string): void {
  const members = Object.entries(schema);
  const isMixed = members.some(([, member]) => isStandardSchema(member));
  if (!isMixed && members.some(([name]) => isKeyword(name))) return;
  const [name, member] = members.find(([, each]) => !isStandardSchema(each))!;
  throw new InvalidOptionError(
    `${where}.${name} must be a Standard Schema (zod, valibot, arktype), got ` +
      `${quote(member)}` +
      (isMixed ? "" : `; and ${quote(name)} is no keyword of JSON Schema`),
  );
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
  where: string = "schema",
): JsonSchema {
  const converted = convert(schema, io, where);
  if (io === "output") {
    return converted.type === undefined && describesObject(converted, converted)
      ? { type: "object", ...converted }
      : converted;
  }
  if (converted.type !== undefined && converted.type !== "object") {
    throw new InvalidOptionError(
      `${where} must describe an object, got type ${
        JSON.stringify(converted.type)
      }: wrap it in an object`,
    );
  }
  return { type: "object", ...converted };
}

/** Has a library say its schema, and names the field that it can't say. */
function convert(
  schema: StandardSchemaWithJSON,
  io: "input" | "output",
  where: string,
): JsonSchema {
  const { jsonSchema, vendor } = schema["~standard"];
  if (jsonSchema === undefined) {
    throw new InvalidOptionError(
      `${where}: schema library "${vendor}" can't say its schemas as JSON ` +
        "Schema: use zod 4.2 or later, arktype, valibot with " +
        "@valibot/to-json-schema, or wrap a JSON Schema in fromJsonSchema()",
    );
  }
  try {
    return jsonSchema[io](TARGET);
  } catch (error) {
    for (const [name, field] of Object.entries(shapeOf(schema) ?? {})) {
      if (isStandardSchema(field)) {
        convert(field as StandardSchemaWithJSON, io, `${where}.${name}`);
      }
    }
    if (error instanceof InvalidOptionError) throw error;
    throw new InvalidOptionError(`${where}: ${thrownText(error)}`);
  }
}

/**
 * Makes a whole schema the property of another: its references go along, and
 * `$schema` moves to the root, the only place for it.
 */
export function wrapSchema(schema: JsonSchema, property: string): JsonSchema {
  const { $schema } = schema;
  return {
    ...($schema !== undefined && { $schema }),
    type: "object",
    properties: { [property]: propertySchema(schema, property) },
    required: [property],
  };
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

/** Makes an object schema of the schemas of its fields, whatever their library. */
function fromShape(
  shape: Record<string, StandardSchemaWithJSON>,
): StandardSchemaWithJSON {
  return {
    /** Lets the field be named that can't be said as JSON Schema. */
    shape,
    "~standard": {
      version: 1,
      vendor: "sluice",
      validate: (value: unknown) => validateShape(shape, value),
      jsonSchema: {
        input: () => shapeSchema(shape, "input"),
        output: () => shapeSchema(shape, "output"),
      },
    },
  } as StandardSchemaWithJSON;
}

function shapeSchema(
  shape: Record<string, StandardSchemaWithJSON>,
  io: "input" | "output",
): JsonSchema {
  const properties: JsonSchema = {};
  const required: string[] = [];
  let dialect: unknown;
  for (const [name, field] of Object.entries(shape)) {
    const schema = convert(field, io, name);
    dialect ??= schema.$schema;
    properties[name] = propertySchema(schema, name);
    if (!acceptsUndefined(field)) required.push(name);
  }
  return {
    ...(dialect !== undefined && { $schema: dialect }),
    type: "object",
    properties,
    ...(required.length > 0 && { required }),
  };
}

/** Tells if a field may be left out; one that takes its time to say so may not. */
function acceptsUndefined(field: StandardSchema): boolean {
  try {
    const result = field["~standard"].validate(undefined);
    if (!(result instanceof Promise)) return result.issues === undefined;
    result.catch(() => {});
  } catch {
    // A transformation of the author's that expects a text.
  }
  return false;
}

type ShapeResult = StandardSchemaResult<Record<string, unknown>>;

function validateShape(
  shape: Record<string, StandardSchema>,
  value: unknown,
): ShapeResult | Promise<ShapeResult> {
  if (!isObject(value)) {
    return { issues: [{ message: "expected an object" }] };
  }
  const names = Object.keys(shape);
  const results = names.map((name) =>
    shape[name]["~standard"].validate(
      Object.hasOwn(value, name) ? value[name] : undefined,
    )
  );
  return results.some((each) => each instanceof Promise)
    ? Promise.all(results).then((each) => joinFields(names, each))
    : joinFields(names, results as StandardSchemaResult<unknown>[]);
}

function joinFields(
  names: readonly string[],
  results: readonly StandardSchemaResult<unknown>[],
): ShapeResult {
  const output: Record<string, unknown> = {};
  const issues: StandardSchemaIssue[] = [];
  for (const [index, result] of results.entries()) {
    const name = names[index];
    if (result.issues !== undefined) {
      // One by one: there may be more than a call takes arguments.
      for (const { message, path = [] } of result.issues) {
        issues.push({ message, path: [name, ...path] });
      }
    } else if (result.value !== undefined) output[name] = result.value;
  }
  return issues.length > 0 ? { issues } : { value: output };
}
