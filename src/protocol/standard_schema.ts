/**
 * The Standard Schema interfaces (standardschema.dev, version 1, with its JSON
 * Schema extension), which zod 4.2+, arktype and valibot implement.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** Everything that the interface has. */
  readonly "~standard": StandardSchemaProps<Input, Output>;
}

/** The parts of a Standard Schema. */
export interface StandardSchemaProps<Input = unknown, Output = Input> {
  /** The version of the interface. */
  readonly version: 1;
  /** The library. */
  readonly vendor: string;
  /** Checks a value, and gives it with defaults and transforms applied. */
  readonly validate: (
    value: unknown,
  ) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>;
  /** For the compiler only: there is no value. */
  readonly types?: { readonly input: Input; readonly output: Output };
}

/** A validated value, or what was wrong. */
export type StandardSchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: ReadonlyArray<StandardSchemaIssue> };

/** One thing that was wrong, and where. */
export interface StandardSchemaIssue {
  /** The fault, in words. */
  readonly message: string;
  /** The way to it from the root. */
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }>;
}

/** Turns a schema into a JSON Schema of the asked-for dialect. */
export interface JsonSchemaConverter {
  /** Describes what may go in. */
  readonly input: (options: { readonly target: string }) => JsonSchema;
  /** Describes what comes out. */
  readonly output: (options: { readonly target: string }) => JsonSchema;
}

/** A Standard Schema that can also say itself as a JSON Schema. */
export interface StandardSchemaWithJSON<Input = unknown, Output = Input> {
  /** Everything that the two interfaces have. */
  readonly "~standard":
    & StandardSchemaProps<Input, Output>
    & { readonly jsonSchema: JsonSchemaConverter };
}

/** A plain JSON Schema (2020-12 unless it says otherwise). */
export type JsonSchema = Record<string, unknown>;

/** The type that comes out of a Standard Schema. */
export type InferOutput<Schema> = Schema extends
  { readonly "~standard": { readonly types?: infer Types } }
  ? NonNullable<Types> extends { readonly output: infer Output } ? Output
  : unknown
  : unknown;

/** The type that goes into a Standard Schema. */
export type InferInput<Schema> = Schema extends
  { readonly "~standard": { readonly types?: infer Types } }
  ? NonNullable<Types> extends { readonly input: infer Input } ? Input
  : unknown
  : unknown;

/** Tells if a value is a Standard Schema of any library. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  if (value === null || !/^(object|function)$/.test(typeof value)) return false;
  const props = (value as Partial<StandardSchema>)["~standard"];
  return typeof props?.validate === "function";
}

/** The issues that are told of one value, and the characters: a model reads no more. */
export const MAX_ISSUES = 20;
const MAX_ISSUES_TEXT = 8_192;

/** Says what was wrong on one line, each complaint with the field it is about. */
export function issuesText(issues: readonly StandardSchemaIssue[]): string {
  const told = issues.slice(0, MAX_ISSUES).map(({ message, path }) => {
    if (path === undefined || path.length === 0) return message;
    const where = path.map((step) =>
      String(typeof step === "object" ? step.key : step)
    );
    return `${where.join(".")}: ${message}`;
  });
  const text = told.join(", ");
  const more = issues.length - told.length;
  return (text.length <= MAX_ISSUES_TEXT
    ? text
    : `${text.slice(0, MAX_ISSUES_TEXT).toWellFormed()}…`) +
    (more === 0 ? "" : `, and ${more} more`);
}
