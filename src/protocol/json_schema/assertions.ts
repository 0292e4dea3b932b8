import { InvalidOptionError } from "../../base/errors.ts";
import { isObject, type JsonObject } from "../jsonrpc.ts";
import { FORMATS } from "./formats.ts";
import { SafePattern } from "./safe_pattern.ts";
import type { Check, SchemaRun } from "./schema_run.ts";
import { ValueSet } from "./value_set.ts";

const IS_TYPE: Readonly<Record<string, (value: unknown) => boolean>> = {
  array: Array.isArray,
  boolean: (value) => typeof value === "boolean",
  integer: Number.isInteger,
  null: (value) => value === null,
  number: Number.isFinite,
  object: isObject,
  string: (value) => typeof value === "string",
};

/** Makes the checks of the keywords that look at a value by itself. */
export function assertionsOf(schema: JsonObject, where: string): Check[] {
  return [
    ...typeChecks(schema),
    ...valueChecks(schema),
    ...numberChecks(schema),
    ...textChecks(schema, where),
    ...arrayChecks(schema),
    ...objectChecks(schema),
  ];
}

function typeChecks({ type, nullable }: JsonObject): Check[] {
  if (type === undefined) return [];
  const types = [type as string | string[]].flat();
  // OpenAPI 3.0's word for "or null".
  if (nullable === true && !types.includes("null")) types.push("null");
  const tests = types.map((each) => IS_TYPE[each]);
  const message = `must be ${types.join(",")}`;
  return [(value, run) => {
    for (const test of tests) if (test(value)) return true;
    return run.fail(message);
  }];
}

function valueChecks(schema: JsonObject): Check[] {
  const checks: Check[] = [];
  if ("const" in schema) {
    const values = new ValueSet([schema.const]);
    checks.push((value, run) =>
      values.has(value) || run.fail("must be equal to constant")
    );
  }
  if (schema.enum !== undefined) {
    const values = new ValueSet(schema.enum as unknown[]);
    checks.push((value, run) =>
      values.has(value) ||
      run.fail("must be equal to one of the allowed values")
    );
  }
  return checks;
}

type Bound = [
  keyword: string,
  holds: (value: number, bound: number) => boolean,
  says: (bound: number) => string,
];

const NUMBERS: readonly Bound[] = [
  ["maximum", (value, most) => value <= most, (most) => `must be <= ${most}`],
  [
    "minimum",
    (value, least) => value >= least,
    (least) => `must be >= ${least}`,
  ],
  [
    "exclusiveMaximum",
    (value, end) => value < end,
    (end) => `must be < ${end}`,
  ],
  [
    "exclusiveMinimum",
    (value, end) => value > end,
    (end) => `must be > ${end}`,
  ],
  ["multipleOf", isMultiple, (unit) => `must be multiple of ${unit}`],
];

const TEXTS = sizeBounds("Length", "characters");
const ARRAYS = sizeBounds("Items", "items");
const OBJECTS = sizeBounds("Properties", "properties");

function sizeBounds(of: string, what: string): readonly Bound[] {
  return [
    [
      `max${of}`,
      (size, most) => size <= most,
      (most) => `must NOT have more than ${most} ${what}`,
    ],
    [
      `min${of}`,
      (size, least) => size >= least,
      (least) => `must NOT have fewer than ${least} ${what}`,
    ],
  ];
}

/** Makes the checks of the bounds that a schema sets to a measure of a value. */
function boundChecks(
  schema: JsonObject,
  bounds: readonly Bound[],
  measure: (value: unknown) => number | undefined,
): Check[] {
  return bounds.filter(([keyword]) => schema[keyword] !== undefined)
    .map(([keyword, holds, says]): Check => {
      const bound = schema[keyword] as number;
      return (value, run) => {
        const size = measure(value);
        return size === undefined || holds(size, bound) ||
          run.fail(says(bound));
      };
    });
}

function numberChecks(schema: JsonObject): Check[] {
  return boundChecks(
    schema,
    NUMBERS,
    (value) => typeof value === "number" ? value : undefined,
  );
}

/** Takes 0.3 for a multiple of 0.1, which in binary it isn't quite. */
function isMultiple(value: number, unit: number): boolean {
  const times = value / unit;
  return Math.abs(times - Math.round(times)) <=
    2 * Number.EPSILON * Math.abs(times);
}

function textChecks(schema: JsonObject, where: string): Check[] {
  const checks = boundChecks(
    schema,
    TEXTS,
    (value) => typeof value === "string" ? lengthOf(value) : undefined,
  );
  if (schema.pattern !== undefined) {
    const pattern = makePattern(schema.pattern as string, `${where}.pattern`);
    checks.push((value, run) =>
      typeof value !== "string" || matches(pattern, value, run) ||
      run.fail(`must match pattern "${pattern.source}"`)
    );
  }
  const { format } = schema;
  if (typeof format === "string" && Object.hasOwn(FORMATS, format)) {
    const fits = FORMATS[format];
    checks.push((value, run) =>
      typeof value !== "string" || fits(value) ||
      run.fail(`must match format "${format}"`)
    );
  }
  return checks;
}

/** Counts characters, of which some are two units long. */
function lengthOf(text: string): number {
  let length = text.length;
  for (let index = 1; index < text.length; index++) {
    const isPair = isSurrogate(text, index - 1, 0xd800) &&
      isSurrogate(text, index, 0xdc00);
    if (isPair) length--;
  }
  return length;
}

function isSurrogate(text: string, index: number, kind: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === kind;
}

/** @throws {InvalidOptionError} for a pattern that is none */
export function makePattern(source: string, where: string): SafePattern {
  try {
    return new SafePattern(source);
  } catch (error) {
    throw new InvalidOptionError(
      `${where} must be a regular expression: ${(error as Error).message}`,
    );
  }
}

export function matches(
  pattern: SafePattern,
  text: string,
  run: SchemaRun,
): boolean {
  return pattern.test(text) ??
    run.stop(`of ${text.length} characters is too long for its pattern`);
}

function arrayChecks(schema: JsonObject): Check[] {
  const checks = boundChecks(
    schema,
    ARRAYS,
    (value) => Array.isArray(value) ? value.length : undefined,
  );
  if (schema.uniqueItems !== true) return checks;
  return [...checks, (value, run) => {
    if (!Array.isArray(value)) return true;
    const values = new ValueSet();
    const twice = value.findIndex((each) => !values.add(each));
    return twice < 0 ||
      run.fail(`must NOT have duplicate items (item ${twice} is there before)`);
  }];
}

function objectChecks(schema: JsonObject): Check[] {
  const checks = boundChecks(
    schema,
    OBJECTS,
    (value) => isObject(value) ? Object.keys(value).length : undefined,
  );
  for (const name of (schema.required ?? []) as string[]) {
    checks.push((value, run) =>
      !isObject(value) || has(value, name) ||
      run.fail(`must have required property '${name}'`)
    );
  }
  const dependent = Object.entries({
    ...(schema.dependencies as JsonObject | undefined),
    ...(schema.dependentRequired as JsonObject | undefined),
  });
  for (const [name, others] of dependent) {
    if (!Array.isArray(others)) continue;
    checks.push((value, run) => {
      if (!isObject(value) || !has(value, name)) return true;
      const missing = others.find((other) => !has(value, other));
      return missing === undefined || run.fail(
        `must have property ${missing} when property ${name} is present`,
      );
    });
  }
  return checks;
}

/** Tells if JSON will have the member. */
export function has(value: JsonObject, name: string): boolean {
  return Object.hasOwn(value, name) && value[name] !== undefined;
}
