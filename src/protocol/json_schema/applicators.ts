import { isObject, type JsonObject } from "../jsonrpc.ts";
import { has } from "./assertions.ts";
import type { SchemaNode } from "./keywords.ts";
import {
  type Check,
  type MakeCheck,
  type SchemaRun,
  Seen,
} from "./schema_run.ts";

/** Makes the checks of the keywords that apply other schemas to the value itself. */
export function applicatorsOf(schema: JsonObject, make: MakeCheck): Check[] {
  return [
    ...dependentChecks(schema, make),
    ...combinedChecks(schema, make),
    ...conditionChecks(schema, make),
  ];
}

function dependentChecks(schema: JsonObject, make: MakeCheck): Check[] {
  const schemas = Object.entries({
    ...(schema.dependencies as Record<string, SchemaNode> | undefined),
    ...(schema.dependentSchemas as Record<string, SchemaNode> | undefined),
  }).filter(([, node]) => !Array.isArray(node));
  return schemas.map(([name, node]): Check => {
    const check = make(node);
    return (value, run, seen) =>
      !isObject(value) || !has(value, name) || check(value, run, seen);
  });
}

function combinedChecks(schema: JsonObject, make: MakeCheck): Check[] {
  const lists = (keyword: string): Check[] | undefined =>
    (schema[keyword] as SchemaNode[] | undefined)?.map(make);
  const [all, any, one] = ["allOf", "anyOf", "oneOf"].map(lists);
  const checks: Check[] = [...all ?? []];
  if (any !== undefined) {
    // One match is enough, unless it counts what each of them has seen.
    checks.push((value, run, seen) =>
      countMatches(any, value, run, seen, seen ? Infinity : 1) > 0 ||
      run.fail("must match a schema in anyOf")
    );
  }
  if (one !== undefined) {
    checks.push((value, run, seen) =>
      countMatches(one, value, run, seen, 2) === 1 ||
      run.fail("must match exactly one schema in oneOf")
    );
  }
  if (schema.not !== undefined) {
    const check = make(schema.not as SchemaNode);
    checks.push((value, run) =>
      !run.quietly(() => check(value, run, undefined)) ||
      run.fail("must NOT be valid")
    );
  }
  return checks;
}

/**
 * Counts the branches that a value matches, up to `enough`, and forgets what was
 * wrong with the others.
 */
function countMatches(
  branches: readonly Check[],
  value: unknown,
  run: SchemaRun,
  seen: Seen | undefined,
  enough: number,
): number {
  const before = run.issues.length;
  let matched = 0;
  for (const branch of branches) {
    if (attempt(branch, value, run, seen)) matched++;
    if (matched === enough) break;
  }
  if (matched > 0) run.issues.length = before;
  return matched;
}

/** Applies a branch; what it has seen counts only if it matches. */
function attempt(
  branch: Check,
  value: unknown,
  run: SchemaRun,
  seen: Seen | undefined,
): boolean {
  if (seen === undefined) return branch(value, run, undefined);
  const own = new Seen();
  const good = branch(value, run, own);
  if (good) seen.add(own);
  return good;
}

function conditionChecks(schema: JsonObject, make: MakeCheck): Check[] {
  if (schema.if === undefined) return [];
  const condition = make(schema.if as SchemaNode);
  const [yes, no] = ["then", "else"].map((keyword) =>
    schema[keyword] === undefined
      ? undefined
      : make(schema[keyword] as SchemaNode)
  );
  return [(value, run, seen) => {
    const holds = run.quietly(() => attempt(condition, value, run, seen));
    const branch = holds ? yes : no;
    return branch === undefined || branch(value, run, seen) ||
      run.fail(`must match "${holds ? "then" : "else"}" schema`);
  }];
}
