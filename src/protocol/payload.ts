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
  bad: boolean;
}

/**
 * Walks a message's parameters once, their `_meta` aside, and refuses what no handler should meet: nesting and
 * sizes past the limits, and the key `__proto__`, which a careless merge would
 * turn into a prototype.
 *
 * Every request pays for this walk, so it keeps no path; a second one names the
 * field once something is wrong (bench/http.ts, "echo").
 *
 * @throws {InvalidParamsError} naming the field
 */
export function checkPayload(message: unknown, limits: PayloadLimits): void {
  const found: Findings = { elements: 0, bad: false };
  if (Array.isArray(message)) {
    for (const each of message) walkParams(each, limits, found);
  } else walkParams(message, limits, found);
  if (found.bad || found.elements > limits.maxElements) {
    throw new InvalidParamsError(`Invalid params: ${explain(message, limits)}`);
  }
}

/** Handlers see what is in `_meta` key by key; what else is there stays there. */
function walkParams(
  message: unknown,
  limits: PayloadLimits,
  found: Findings,
): void {
  const { params, result } = (message ?? {}) as {
    params?: Record<string, unknown>;
    result?: unknown;
  };
  if (result !== undefined) walk(result, 1, limits, found);
  // The keys of a string would be its characters.
  if (typeof params !== "object") return;
  for (const key in params) {
    if (key === "__proto__") found.bad = true;
    if (key !== "_meta") walk(params[key], 2, limits, found);
  }
}

function walk(
  value: unknown,
  depth: number,
  limits: PayloadLimits,
  found: Findings,
): void {
  if (typeof value === "object" && value !== null) {
    if (depth > limits.maxDepth || found.elements > limits.maxElements) {
      found.bad = true;
    } else if (Array.isArray(value)) {
      found.elements += value.length;
      for (let index = 0; index < value.length; index++) {
        const each = value[index];
        if (typeof each !== "number") walk(each, depth + 1, limits, found);
      }
    } else {
      for (const key in value) {
        found.elements++;
        if (key === "__proto__") found.bad = true;
        walk(
          (value as Record<string, unknown>)[key],
          depth + 1,
          limits,
          found,
        );
      }
    }
  }
}

/** Names the first thing that is wrong. */
function explain(message: unknown, limits: PayloadLimits): string {
  let elements = 0;
  const search = (value: unknown, path: string[]): string | undefined => {
    if (typeof value !== "object" || value === null) return undefined;
    if (path.length > limits.maxDepth) {
      return `${named(path)} is nested deeper than ${limits.maxDepth} levels`;
    }
    for (const [key, each] of Object.entries(value)) {
      const inner = [...path, key];
      if (key === "__proto__") return `${named(inner)} is not an allowed key`;
      if (++elements > limits.maxElements) {
        return `${named(inner)} takes it past ${limits.maxElements} elements`;
      }
      const wrong = search(each, inner);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };
  for (const each of [message].flat() as { params?: unknown }[]) {
    const wrong = search(each?.params, ["params"]);
    if (wrong !== undefined) return wrong;
  }
  return "it is too large";
}

function named(path: readonly string[]): string {
  const whole = path.join(".");
  return whole.length <= 120
    ? whole
    : `${whole.slice(0, 60)}…${whole.slice(-40)}`;
}
