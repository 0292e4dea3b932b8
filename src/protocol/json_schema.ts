import { InvalidOptionError } from "../base/errors.ts";
import {
  type JsonSchemaValidator,
  validatedBy,
} from "./json_schema_validator.ts";
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
 * @param validator another library that validates, in place of ajv
 *
 * @throws {InvalidOptionError} for another dialect, a remote `$ref`, or a schema
 * past the bounds (64 levels, 10,000 subschemas)
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
  validator?: JsonSchemaValidator,
): StandardSchemaWithJSON<T, T> {
  if (validator !== undefined) return validatedBy<T>(validator, schema);
  checkBounds(schema);
  const dialect = dialectOf(schema);
  let check: Check | undefined;
  // ajv is some 40 ms of start-up that servers without plain schemas never pay.
  const compiling = compile(schema, dialect).then((compiled) =>
    check = compiled
  );
  compiling.catch(() => {});
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
