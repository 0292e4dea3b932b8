import { InvalidParamsError } from "./protocol_errors.ts";

/** The bounds of a request's parameters. */
export interface PayloadLimits {
  /** Levels of nesting. */
  maxDepth: number;
  /** Array elements and object members together. */
  maxElements: number;
}

/** Findings so far on the walk of {@linkcode checkPayload}. */
interface Findings {
  elements: number;
  fault: string | undefined;
  /** The way to the fault, from its end: made while the walk is left. */
  readonly wayBack: string[];
}

/**
 * Walks a message's parameters once, their `_meta` aside, and refuses what no handler should meet: nesting and
 * sizes past the limits, and the key `__proto__`, which a careless merge would
 * turn into a prototype.
 *
 * Every request pays for this walk, so it keeps no path (bench/http.ts, "echo"). It
 * ends at the first fault: what is refused costs no more than what is let in.
 *
 * @throws {InvalidParamsError} naming the field
 */
export function checkPayload(message: unknown, limits: PayloadLimits): void {
  const found: Findings = { elements: 0, fault: undefined, wayBack: [] };
  const messages = Array.isArray(message) ? message : [message];
  if (messages.every((each) => walkMessage(each, limits, found))) return;
  throw new InvalidParamsError(
    `Invalid params: ${named(found.wayBack.reverse())} ${found.fault}`,
  );
}

/** Handlers see what is in `_meta` key by key; what else is there stays there. */
function walkMessage(
  message: unknown,
  limits: PayloadLimits,
  found: Findings,
): boolean {
  const { params, result } = (message ?? {}) as {
    params?: Record<string, unknown>;
    result?: unknown;
  };
  if (result !== undefined && !walk(result, 1, limits, found)) {
    found.wayBack.push("result");
    return false;
  }
  // The keys of a string would be its characters.
  if (typeof params !== "object") return true;
  for (const key in params) {
    const good = key === "__proto__"
      ? fail(found, BAD_KEY)
      : key === "_meta" || walk(params[key], 2, limits, found);
    if (good) continue;
    found.wayBack.push(key, "params");
    return false;
  }
  return true;
}

/** False at the first fault, whose way back is then made. */
function walk(
  value: unknown,
  depth: number,
  limits: PayloadLimits,
  found: Findings,
): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth > limits.maxDepth) {
    return fail(found, `is nested deeper than ${limits.maxDepth} levels`);
  }
  if (Array.isArray(value)) {
    found.elements += value.length;
    if (found.elements > limits.maxElements) return tooMany(found, limits);
    for (let index = 0; index < value.length; index++) {
      const each = value[index];
      if (typeof each === "number") continue;
      if (walk(each, depth + 1, limits, found)) continue;
      found.wayBack.push(String(index));
      return false;
    }
    return true;
  }
  for (const key in value) {
    const good = ++found.elements > limits.maxElements
      ? tooMany(found, limits)
      : key === "__proto__"
      ? fail(found, BAD_KEY)
      : walk(
        (value as Record<string, unknown>)[key],
        depth + 1,
        limits,
        found,
      );
    if (good) continue;
    found.wayBack.push(key);
    return false;
  }
  return true;
}

const BAD_KEY = "is not an allowed key";

function tooMany(found: Findings, { maxElements }: PayloadLimits): false {
  return fail(found, `takes it past ${maxElements} elements`);
}

function fail(found: Findings, fault: string): false {
  found.fault = fault;
  return false;
}

function named(path: readonly string[]): string {
  const whole = path.join(".");
  return whole.length <= 120
    ? whole
    : `${whole.slice(0, 60)}…${whole.slice(-40)}`;
}
