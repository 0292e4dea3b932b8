import { InvalidOptionError } from "../base/errors.ts";
import {
  type JsonSchemaValidator,
  validatedBy,
} from "./json_schema_validator.ts";
import type {
  JsonSchema,
  StandardSchemaIssue,
  StandardSchemaProps,
  StandardSchemaResult,
  StandardSchemaWithJSON,
} from "./standard_schema.ts";

const DEFAULT_DIALECT = "https://json-schema.org/draft/2020-12/schema";

/** How deep a schema may nest and how many subschemas it may hold. */
const MAX_DEPTH = 64;
const MAX_SUBSCHEMAS = 10_000;

type Check = (value: unknown) => StandardSchemaResult<never>;

/**
 * Makes a Standard Schema of a plain JSON Schema, validated by ajv. Dialects:
 * 2020-12 (the default) and draft-07. A `$ref` that leaves the document is
 * refused, never fetched.
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
      validate: (value) =>
        check === undefined
          ? compiling.then((compiled) => compiled(value))
          : check(value),
      jsonSchema: { input: () => schema, output: () => schema },
    } as
      & StandardSchemaProps<T, T>
      & StandardSchemaWithJSON<T, T>["~standard"],
  };
}

function dialectOf(schema: JsonSchema): "2020-12" | "draft-07" {
  const dialect = String(schema.$schema ?? DEFAULT_DIALECT).replace(/#$/, "");
  if (dialect === DEFAULT_DIALECT) return "2020-12";
  if (/^https?:\/\/json-schema\.org\/draft-07\/schema$/.test(dialect)) {
    return "draft-07";
  }
  throw new InvalidOptionError(
    `$schema ${JSON.stringify(schema.$schema)} is not supported: ` +
      `use JSON Schema 2020-12 or draft-07`,
  );
}

function checkBounds(schema: JsonSchema): void {
  let subschemas = 0;
  const visit = (node: unknown, depth: number): void => {
    if (typeof node !== "object" || node === null) return;
    if (depth > MAX_DEPTH || ++subschemas > MAX_SUBSCHEMAS) {
      throw new InvalidOptionError(
        `a JSON Schema takes at most ${MAX_DEPTH} levels and ` +
          `${MAX_SUBSCHEMAS} subschemas`,
      );
    }
    const ref = (node as { $ref?: unknown }).$ref;
    if (typeof ref === "string" && /^[a-z][a-z0-9+.-]*:/i.test(ref)) {
      throw new InvalidOptionError(
        `$ref ${JSON.stringify(ref)} leaves the document: ` +
          `put the definition under $defs`,
      );
    }
    for (const child of Object.values(node)) visit(child, depth + 1);
  };
  visit(schema, 0);
}

async function compile(
  schema: JsonSchema,
  dialect: "2020-12" | "draft-07",
): Promise<Check> {
  const { default: Ajv } = dialect === "2020-12"
    ? await import("ajv/dist/2020.js")
    : await import("ajv");
  const ajv = new Ajv.default({ strict: false, allErrors: false });
  const validate = ajv.compile(schema);
  return (value) => {
    if (validate(value)) return { value: value as never };
    return { issues: (validate.errors ?? []).map(issueOf) };
  };
}

function issueOf(
  error: {
    instancePath: string;
    message?: string;
    params?: Record<string, unknown>;
  },
): StandardSchemaIssue {
  const path = error.instancePath.split("/").slice(1).map((step) =>
    step.replaceAll("~1", "/").replaceAll("~0", "~")
  );
  const extra = error.params?.additionalProperty;
  const message = error.message ?? "is not valid";
  return {
    path,
    message: typeof extra === "string" ? `${message} (${extra})` : message,
  };
}
