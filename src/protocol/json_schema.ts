import { InvalidOptionError } from "../base/errors.ts";
import {
  LinearEngineMissing,
  loadLinearEngine,
} from "./json_schema/safe_pattern.ts";
import { compileSchema } from "./json_schema/schema_compiler.ts";
import { type Dialect, SchemaDocument } from "./json_schema/schema_document.ts";
import {
  type Check,
  CheckStopped,
  SchemaRun,
} from "./json_schema/schema_run.ts";
import type {
  JsonSchema,
  StandardSchemaProps,
  StandardSchemaWithJSON,
} from "./standard_schema.ts";

const DEFAULT_DIALECT = "https://json-schema.org/draft/2020-12/schema";

/**
 * Makes a Standard Schema of a plain JSON Schema, which is read whole at once:
 * what is wrong with it is said here, not by the first call. Dialects: 2020-12
 * (the default) and draft-07. A `$ref` that leaves the document is refused,
 * never fetched.
 *
 * Patterns may be written for the `u` flag or without. Of the formats, `date`,
 * `date-time`, `email`, `hostname`, `ipv4`, `ipv6`, `time`, `uri` and `uuid` are
 * checked; others are remarks.
 *
 * @param validators Checks the values instead, such as a provider of the official
 * SDK's; then the schema is only handed to it.
 * @throws {InvalidOptionError} naming the keyword and its place: for another
 * dialect, a value that the keyword doesn't take, a reference that leads nowhere
 * or out of the document, or a schema past the bounds (64 levels, 10,000
 * subschemas)
 *
 * @example
 * ```ts
 * import { fromJsonSchema } from "@sluice/mcp";
 *
 * const schema = fromJsonSchema<{ name: string }>({
 *   type: "object",
 *   properties: { name: { type: "string" } },
 *   required: ["name"],
 * });
 * ```
 */
export function fromJsonSchema<T = unknown>(
  schema: JsonSchema,
  validators?: JsonSchemaValidators,
): StandardSchemaWithJSON<T, T> {
  return validators === undefined
    ? readJsonSchema(schema, "schema")
    : standardSchema(schema, validateBy(validators.getValidator(schema)));
}

/** Makes validators of JSON Schemas: the official SDK's `jsonSchemaValidator`. */
export interface JsonSchemaValidators {
  /** Makes the validator of one schema. */
  getValidator(schema: JsonSchema): (value: unknown) => {
    /** The value satisfies the schema. */
    valid: boolean;
    /** The value, if it does. */
    data?: unknown;
    /** The reason why it doesn't. */
    errorMessage?: string;
  };
}

/**
 * Does what {@linkcode fromJsonSchema} does.
 *
 * @param where Begins what errors say, such as `tool add: inputSchema`.
 * @throws {InvalidOptionError}
 */
export function readJsonSchema<T = unknown>(
  schema: JsonSchema,
  where: string,
): StandardSchemaWithJSON<T, T> {
  const dialect = dialectOf(schema, where);
  const check = compileSchema(new SchemaDocument(schema, dialect, where));
  return standardSchema(schema, (value) => validate(check, value));
}

type Validate = StandardSchemaProps<never>["validate"];

function standardSchema<T>(
  schema: JsonSchema,
  validate: Validate,
): StandardSchemaWithJSON<T, T> {
  return {
    "~standard": {
      version: 1,
      vendor: "json-schema",
      validate,
      jsonSchema: { input: () => schema, output: () => schema },
    },
  };
}

function validateBy(
  validator: ReturnType<JsonSchemaValidators["getValidator"]>,
): Validate {
  return (value) => {
    const { valid, data, errorMessage = "is not valid" } = validator(value);
    return valid
      ? { value: data as never }
      : { issues: [{ message: errorMessage }] };
  };
}

function dialectOf({ $schema }: JsonSchema, where: string): Dialect {
  const dialect = String($schema ?? DEFAULT_DIALECT).replace(/#$/, "");
  if (dialect === DEFAULT_DIALECT) return "2020-12";
  if (/^https?:\/\/json-schema\.org\/draft-07\/schema$/.test(dialect)) {
    return "draft-07";
  }
  throw new InvalidOptionError(
    `${where}.$schema ${JSON.stringify($schema)} is not supported: ` +
      `use JSON Schema 2020-12 or draft-07`,
  );
}

/** Has to wait only for the linear engine, which few texts need. */
function validate(check: Check, value: unknown): ReturnType<Validate> {
  const run = new SchemaRun();
  try {
    return check(value, run, undefined)
      ? { value: value as never }
      : { issues: run.issues };
  } catch (error) {
    if (error instanceof LinearEngineMissing) {
      return loadLinearEngine().then(() => validate(check, value));
    }
    if (error instanceof CheckStopped) return { issues: [error.issue] };
    // The stack is full.
    if (error instanceof RangeError) {
      return { issues: [{ message: "is nested too deeply" }] };
    }
    throw error;
  }
}
