import { isObject, type JsonObject } from "../jsonrpc.ts";
import { has, makePattern, matches } from "./assertions.ts";
import type { SchemaNode } from "./keywords.ts";
import type { SafePattern } from "./safe_pattern.ts";
import { type Check, type SchemaRun, Seen } from "./schema_run.ts";

/** Makes the check of a schema within the one at hand. */
export type MakeCheck = (node: SchemaNode) => Check;

/** Makes the checks of the keywords that apply other schemas to a value. */
export function applicatorsOf(
  schema: JsonObject,
  make: MakeCheck,
  where: string,
): Check[] {
  return [
    ...itemChecks(schema, make),
    ...containsChecks(schema, make),
    ...propertyChecks(schema, make, where),
    ...dependentChecks(schema, make),
    ...combinedChecks(schema, make),
    ...conditionChecks(schema, make),
  ];
}

/** Makes the checks that must come last: of what the others have left over. */
export function leftoverChecks(schema: JsonObject, make: MakeCheck): Check[] {
  const { unevaluatedItems, unevaluatedProperties } = schema;
  const checks: Check[] = [];
  if (unevaluatedItems !== undefined) {
    checks.push(checkLeftoverItems(make(unevaluatedItems as SchemaNode)));
  }
  if (unevaluatedProperties !== undefined) {
    checks.push(checkLeftoverNames(make(unevaluatedProperties as SchemaNode)));
  }
  return checks;
}

function checkLeftoverItems(check: Check): Check {
  return (value, run, seen) => {
    if (!Array.isArray(value)) return true;
    for (let index = seen!.items; index < value.length; index++) {
      if (seen!.indexes.has(index)) continue;
      if (!run.within(index, value[index], check)) {
        return run.fail("must NOT have unevaluated items");
      }
    }
    seen!.items = value.length;
    return true;
  };
}

function checkLeftoverNames(check: Check): Check {
  return (value, run, seen) => {
    if (!isObject(value)) return true;
    for (const name of Object.keys(value)) {
      if (seen!.names.has(name)) continue;
      if (!run.within(name, value[name], check)) {
        return run.fail(`must NOT have unevaluated properties (${name})`);
      }
      seen!.names.add(name);
    }
    return true;
  };
}

function itemChecks(schema: JsonObject, make: MakeCheck): Check[] {
  const tuple = Array.isArray(schema.items) ? schema.items : schema.prefixItems;
  const rest = Array.isArray(schema.items)
    ? schema.additionalItems
    : schema.items;
  if (tuple === undefined && rest === undefined) return [];
  const firsts = ((tuple ?? []) as SchemaNode[]).map(make);
  const others = rest === undefined ? undefined : make(rest as SchemaNode);
  return [(value, run, seen) => {
    if (!Array.isArray(value)) return true;
    const end = others === undefined
      ? Math.min(firsts.length, value.length)
      : value.length;
    for (let index = 0; index < end; index++) {
      const check = firsts[index] ?? others!;
      if (!run.within(index, value[index], check)) {
        return rest === false && index >= firsts.length
          ? run.fail(`must NOT have more than ${firsts.length} items`)
          : false;
      }
    }
    if (seen !== undefined) seen.items = Math.max(seen.items, end);
    return true;
  }];
}

function containsChecks(schema: JsonObject, make: MakeCheck): Check[] {
  if (schema.contains === undefined) return [];
  const check = make(schema.contains as SchemaNode);
  const { minContains = 1, maxContains = Infinity } = schema as {
    minContains?: number;
    maxContains?: number;
  };
  return [(value, run, seen) => {
    if (!Array.isArray(value)) return true;
    let found = 0;
    for (let index = 0; index < value.length; index++) {
      if (!run.quietly(() => run.within(index, value[index], check))) continue;
      found++;
      seen?.indexes.add(index);
    }
    if (found < minContains) {
      return run.fail(`must contain at least ${minContains} valid item(s)`);
    }
    return found <= maxContains || run.fail(
      `must contain at least ${minContains} and no more than ` +
        `${maxContains} valid item(s)`,
    );
  }];
}

interface NamedCheck {
  readonly name: string;
  readonly check: Check;
}

interface PatternCheck {
  readonly pattern: SafePattern;
  readonly check: Check;
}

function propertyChecks(
  schema: JsonObject,
  make: MakeCheck,
  where: string,
): Check[] {
  const named = namedChecks(schema.properties, make);
  const patterned = namedChecks(schema.patternProperties, make)
    .map(({ name, check }): PatternCheck => ({
      pattern: makePattern(name, `${where}.patternProperties`),
      check,
    }));
  const checks: Check[] = [];
  if (named.length > 0) checks.push(checkNamed(named));
  if (patterned.length > 0) checks.push(checkPatterned(patterned));
  const { additionalProperties, propertyNames } = schema;
  if (additionalProperties !== undefined) {
    const check = make(additionalProperties as SchemaNode);
    checks.push(
      checkOthers(named, patterned, additionalProperties !== false && check),
    );
  }
  if (propertyNames !== undefined) {
    checks.push(checkNames(make(propertyNames as SchemaNode)));
  }
  return checks;
}

function namedChecks(schemas: unknown, make: MakeCheck): NamedCheck[] {
  return Object.entries((schemas ?? {}) as Record<string, SchemaNode>)
    .map(([name, node]) => ({ name, check: make(node) }));
}

function checkNamed(named: readonly NamedCheck[]): Check {
  return (value, run, seen) => {
    if (!isObject(value)) return true;
    let good = true;
    for (const { name, check } of named) {
      if (!has(value, name)) continue;
      if (!run.within(name, value[name], check)) good = false;
      seen?.names.add(name);
    }
    return good;
  };
}

function checkPatterned(patterned: readonly PatternCheck[]): Check {
  return (value, run, seen) => {
    if (!isObject(value)) return true;
    for (const name of Object.keys(value)) {
      for (const { pattern, check } of patterned) {
        if (!matches(pattern, name, run)) continue;
        if (!run.within(name, value[name], check)) return false;
        seen?.names.add(name);
      }
    }
    return true;
  };
}

/** `check` is false where there must be no other properties. */
function checkOthers(
  named: readonly NamedCheck[],
  patterned: readonly PatternCheck[],
  check: Check | false,
): Check {
  const names = new Set(named.map(({ name }) => name));
  const isOther = (name: string, run: SchemaRun) =>
    !names.has(name) &&
    !patterned.some(({ pattern }) => matches(pattern, name, run));
  return (value, run, seen) => {
    if (!isObject(value)) return true;
    for (const name of Object.keys(value)) {
      if (value[name] === undefined || !isOther(name, run)) continue;
      if (check === false) {
        return run.fail(`must NOT have additional properties (${name})`);
      }
      if (!run.within(name, value[name], check)) return false;
      seen?.names.add(name);
    }
    return true;
  };
}

function checkNames(check: Check): Check {
  return (value, run) => {
    if (!isObject(value)) return true;
    const wrong = Object.keys(value).find((name) =>
      !check(name, run, undefined)
    );
    return wrong === undefined ||
      run.fail(`property name must be valid (${wrong})`);
  };
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
