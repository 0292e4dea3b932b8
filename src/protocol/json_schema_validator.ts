import type { JsonSchema, StandardSchemaWithJSON } from "./standard_schema.ts";

/** What a {@linkcode JsonSchemaValidator} says of a value. */
export type JsonSchemaVerdict<T> =
  | { valid: true; data: T; errorMessage?: undefined }
  | { valid: false; data?: undefined; errorMessage: string };

/** Another library that checks values against JSON Schema, in the official SDK's shape. */
export interface JsonSchemaValidator {
  /** Compiles a schema. */
  getValidator<T>(schema: JsonSchema): (value: unknown) => JsonSchemaVerdict<T>;
}

/** A Standard Schema that another library validates; it is compiled at once. */
export function validatedBy<T>(
  validator: JsonSchemaValidator,
  schema: JsonSchema,
): StandardSchemaWithJSON<T, T> {
  const check = validator.getValidator<T>(schema);
  return {
    "~standard": {
      version: 1,
      vendor: "json-schema",
      validate: (value) => {
        const { valid, data, errorMessage } = check(value);
        return valid
          ? { value: data as T }
          : { issues: [{ message: errorMessage ?? "is not valid" }] };
      },
      jsonSchema: { input: () => schema, output: () => schema },
    },
  };
}
