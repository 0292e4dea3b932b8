import { isObject, type JsonObject } from "../jsonrpc.ts";
import { has, matches } from "./assertions.ts";
import type { SchemaNode } from "./keywords.ts";
import { SafePattern } from "./safe_pattern.ts";
import type { Check, MakeCheck, SchemaRun } from "./schema_run.ts";

/** Makes the checks of the keywords that apply schemas to items. */
export function itemChecks(schema: JsonObject, make: MakeCheck): Check[] {
  const { contains, minContains = 1, maxContains = Infinity } = schema;
  // A list of items is draft 7's word for a tuple.
  const [tuple, rest] = Array.isArray(schema.items)
    ? [schema.items, schema.additionalItems]
    : [schema.prefixItems ?? [], schema.items];
  const firsts = (tuple as SchemaNode[]).map(make);
  const others = rest === undefined ? undefined : make(rest as SchemaNode);
  const checks: Check[] = [];
  if (firsts.length > 0 || others !== undefined) {
    checks.push(checkItems(firsts, others));
  }
  if (contains !== undefined) {
    checks.push(checkContains(
      make(contains as SchemaNode),
      minContains as number,
      maxContains as number,
    ));
  }
  return checks;
}

function checkItems(
  firsts: readonly Check[],
  others: Check | undefined,
): Check {
  return (value, run, seen) => {
    if (!Array.isArray(value)) return true;
    const end = others === undefined
      ? Math.min(firsts.length, value.length)
      : value.length;
    for (let index = 0; index < end; index++) {
      const check = firsts[index] ?? others!;
      if (!run.within(index, value[index], check)) return false;
    }
    if (seen !== undefined) seen.items = Math.max(seen.items, end);
    return true;
  };
}

function checkContains(check: Check, least: number, most: number): Check {
  return (value, run, seen) => {
    if (!Array.isArray(value)) return true;
    let found = 0;
    for (let index = 0; index < value.length; index++) {
      if (!run.quietly(() => run.within(index, value[index], check))) continue;
      found++;
      seen?.indexes.add(index);
    }
    if (found < least) {
      return run.fail(`must contain at least ${least} valid item(s)`);
    }
    return found <= most ||
      run.fail(`must contain at most ${most} valid item(s)`);
  };
}

interface NamedCheck {
  readonly name: string;
  readonly check: Check;
}

interface PatternCheck {
  readonly pattern: SafePattern;
  readonly check: Check;
}

/** Makes the checks of the keywords that apply schemas to properties. */
export function propertyChecks(schema: JsonObject, make: MakeCheck): Check[] {
  const named = namedChecks(schema.properties, make);
  const patterned = namedChecks(schema.patternProperties, make)
    .map(({ name, check }): PatternCheck => ({
      pattern: new SafePattern(name),
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
