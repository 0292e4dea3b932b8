import { isObject, type JsonObject } from "../jsonrpc.ts";
import { FORMATS } from "./formats.ts";
import { TYPES } from "./keywords.ts";
import { SafePattern } from "./safe_pattern.ts";
import type { Check, SchemaRun } from "./schema_run.ts";
import { ValueSet } from "./value_set.ts";

/** Makes the checks of the keywords that look at a value by itself. */
export function assertionsOf(schema: JsonObject): Check[] {
  return [
    ...typeChecks(schema),
    ...valueChecks(schema),
    ...boundChecks(schema),
    ...textChecks(schema),
    ...uniqueChecks(schema),
    ...presenceChecks(schema),
  ];
}

function typeChecks({ type, nullable }: JsonObject): Check[] {
  if (type === undefined) return [];
  const types = [type as string | string[]].flat();
  // OpenAPI 3.0's word for "or null".
  if (nullable === true && !types.includes("null")) types.push("null");
  const tests = types.map((each) => TYPES.get(each)!);
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

/** A keyword that holds a measure of a value to a number, and its complaint. */
type Bound = readonly [
  keyword: string,
  measure: (value: unknown) => number | undefined,
  holds: (size: number, bound: number) => boolean,
  complaint: string,
];

const atMost = (size: number, bound: number) => size <= bound;
const atLeast = (size: number, bound: number) => size >= bound;

const BOUNDS: readonly Bound[] = [
  ["maximum", numberOf, atMost, "must be <= #"],
  ["minimum", numberOf, atLeast, "must be >= #"],
  ["exclusiveMaximum", numberOf, (a, b) => a < b, "must be < #"],
  ["exclusiveMinimum", numberOf, (a, b) => a > b, "must be > #"],
  ["multipleOf", numberOf, isMultiple, "must be multiple of #"],
  ["maxLength", lengthOf, atMost, "must NOT have more than # characters"],
  ["minLength", lengthOf, atLeast, "must NOT have fewer than # characters"],
  ["maxItems", countItems, atMost, "must NOT have more than # items"],
  ["minItems", countItems, atLeast, "must NOT have fewer than # items"],
  ["maxProperties", countNames, atMost, "must NOT have more than # properties"],
  [
    "minProperties",
    countNames,
    atLeast,
    "must NOT have fewer than # properties",
  ],
];

function boundChecks(schema: JsonObject): Check[] {
  return BOUNDS.filter(([keyword]) => schema[keyword] !== undefined)
    .map(([keyword, measure, holds, complaint]): Check => {
      const bound = schema[keyword] as number;
      const message = complaint.replace("#", String(bound));
      return (value, run) => {
        const size = measure(value);
        return size === undefined || holds(size, bound) || run.fail(message);
      };
    });
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/**
 * Takes 0.3 for a multiple of 0.1, which in binary it isn't quite. Integers are
 * exact, and big ones further apart than what is let pass here.
 */
function isMultiple(value: number, unit: number): boolean {
  if (Number.isInteger(value) && Number.isInteger(unit)) {
    return value % unit === 0;
  }
  const times = value / unit;
  return Math.abs(times - Math.round(times)) <=
    2 * Number.EPSILON * Math.abs(times);
}

/** Counts characters, of which some are two units long. */
function lengthOf(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  let length = value.length;
  for (let index = 1; index < value.length; index++) {
    const isPair = isSurrogate(value, index - 1, 0xd800) &&
      isSurrogate(value, index, 0xdc00);
    if (isPair) length--;
  }
  return length;
}

function isSurrogate(text: string, index: number, kind: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === kind;
}

function countItems(value: unknown): number | undefined {
  return Array.isArray(value) ? value.length : undefined;
}

function countNames(value: unknown): number | undefined {
  return isObject(value) ? Object.keys(value).length : undefined;
}

function textChecks(schema: JsonObject): Check[] {
  const checks: Check[] = [];
  if (schema.pattern !== undefined) {
    const pattern = new SafePattern(schema.pattern as string);
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

/** Matches a text, or gives up on it. */
export function matches(
  pattern: SafePattern,
  text: string,
  run: SchemaRun,
): boolean {
  return pattern.test(text, run.patternWork) ??
    run.stop(
      run.patternWork.isSpent
        ? "takes too long to check"
        : `of ${text.length} characters is too long for its pattern`,
    );
}

function uniqueChecks({ uniqueItems }: JsonObject): Check[] {
  if (uniqueItems !== true) return [];
  return [(value, run) => {
    if (!Array.isArray(value)) return true;
    const values = new ValueSet();
    const twice = value.findIndex((each) => !values.add(each));
    return twice < 0 ||
      run.fail(`must NOT have duplicate items (item ${twice} is there before)`);
  }];
}

function presenceChecks(schema: JsonObject): Check[] {
  const checks: Check[] = [];
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
