import {
  hasNoForm,
  hidesContents,
  isBytes,
  isFinite,
  isSomeObject,
  MAX_DEPTH,
  MAX_PARTS,
  saidBy,
  saysItself,
  UNSAYABLE,
  verdictOf,
} from "./json_verdict.ts";

/** Names the first part that can't be sent, and what to do. */
export function explain(value: unknown): string {
  const way: Way = { objects: [], path: "", left: { parts: MAX_PARTS } };
  const { path, what, remedy } = search(value, way) ??
    { path: "", what: `a ${typeof value}`, remedy: "leave it out" };
  const at = path === "" ? "" : ` (${shortened(path)})`;
  return `${what} can't be sent as JSON${at}: ${remedy}`;
}

interface Fault {
  readonly path: string;
  readonly what: string;
  readonly remedy: string;
}

/** The way to a part: the objects above it, and its path. */
interface Way {
  readonly objects: unknown[];
  readonly path: string;
  /** What may still be looked at. */
  readonly left: { parts: number };
}

/** Looks at every part once, as {@linkcode judge} does. */
function search(
  value: unknown,
  { objects, path, left }: Way,
): Fault | undefined {
  if (!isSomeObject(value)) {
    return verdictOf(value) === UNSAYABLE
      ? { path, ...remedyFor(value) }
      : undefined;
  }
  if (objects.includes(value)) {
    return {
      path,
      what: "a circular reference",
      remedy: "leave it out, or put an id in its place",
    };
  }
  if (objects.length > MAX_DEPTH) {
    return {
      path,
      what: `what is nested deeper than ${MAX_DEPTH} levels`,
      remedy: "make it flatter",
    };
  }
  if (--left.parts < 0) {
    return {
      path: "",
      what: `what has more than ${MAX_PARTS} objects`,
      remedy: "send less, and name what stands in many places by an id",
    };
  }
  objects.push(value);
  const fault = searchParts(value, { objects, path, left });
  objects.pop();
  if (fault !== undefined) return fault;
  return hasNoForm(value) ? { path, ...remedyFor(value) } : undefined;
}

function searchParts(value: object, way: Way): Fault | undefined {
  for (const [key, part] of partsOf(value)) {
    // A path is only made where it may lead on to a fault.
    if (isPlainPart(part)) continue;
    const { path } = way;
    const fault = search(part, { ...way, path: path + step(key, path) });
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function isPlainPart(part: unknown): boolean {
  return typeof part === "string" || part === null || isFinite(part);
}

/** Parts that JSON would look into, unless the value itself is the fault. */
function partsOf(value: object): Iterable<[string | number, unknown]> {
  if (Array.isArray(value)) return value.entries();
  if (saysItself(value)) {
    const said = saidBy(value);
    if (isSomeObject(said) && said !== value) return Object.entries(said);
    return said === value ? Object.entries(value) : [];
  }
  return hidesContents(value) ? [] : Object.entries(value);
}

function step(key: string | number, path: string): string {
  if (typeof key === "number") return `[${key}]`;
  if (!/^[\w$-]+$/.test(key)) return `[${JSON.stringify(key)}]`;
  return path === "" ? key : `.${key}`;
}

function shortened(path: string): string {
  return path.length <= 120 ? path : `${path.slice(0, 60)}…${path.slice(-40)}`;
}

function remedyFor(value: unknown): { what: string; remedy: string } {
  switch (typeof value) {
    case "number":
      return { what: String(value), remedy: "use null, or a string" };
    case "bigint":
      return {
        what: "a BigInt",
        remedy: "use String(…), or Number(…) where it is small enough",
      };
    case "object":
      return remedyForObject(value!);
    default:
      return { what: `a ${typeof value}`, remedy: "leave it out" };
  }
}

function remedyForObject(object: object): { what: string; remedy: string } {
  const name = object.constructor?.name || "class";
  const what = `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
  if (object instanceof Date) {
    return { what: "an invalid Date", remedy: "use null, or a string" };
  }
  if (object instanceof Error) {
    return { what, remedy: "throw it, or use its message" };
  }
  if (object instanceof Promise) return { what, remedy: "await it" };
  if (isBytes(object)) {
    return {
      what,
      remedy: "encode it in base64, in a content block that says its type",
    };
  }
  if (object instanceof Response || object instanceof Request) {
    return { what, remedy: "use its text() or json()" };
  }
  if (object instanceof Set) return { what, remedy: "use an array: [...set]" };
  if (
    object instanceof Map || object instanceof Headers ||
    object instanceof URLSearchParams || object instanceof FormData
  ) return { what, remedy: "use Object.fromEntries(…)" };
  if (Symbol.iterator in object) {
    return { what, remedy: "use an array: [...it]" };
  }
  return { what, remedy: "use a plain object, or give it a toJSON()" };
}
