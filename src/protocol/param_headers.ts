import { HeaderMismatchError } from "./protocol_errors.ts";
import { decodeHeaderValue } from "./header_value.ts";
import { isObject, type JsonObject } from "./jsonrpc.ts";

/** The keywords of a schema that hold values, which may look like schemas. */
const HOLDS_VALUES = new Set(["const", "default", "enum", "examples"]);

/** One argument that a client mirrors into an `Mcp-Param-*` header. */
export interface ParamHeader {
  /** The whole header name, lower case. */
  header: string;
  /** The chain of `properties` keys that leads to the argument. */
  path: readonly string[];
  type: "string" | "integer" | "boolean";
}

/** Thrown when a tool's `x-mcp-header` annotations break the rules for them. */
export class ParamHeaderDeclarationError extends TypeError {
  override readonly name = "ParamHeaderDeclarationError";
}

/**
 * Finds the `x-mcp-header` annotations of a tool's input schema (specification
 * 2026-07-28, Streamable HTTP, "Schema Extension").
 *
 * @param where Begins what errors say, such as `tool add: inputSchema`.
 * @throws {ParamHeaderDeclarationError} for a name or a place that is not allowed
 */
export function findParamHeaders(
  schema: JsonObject,
  where: string,
): readonly ParamHeader[] {
  const found: ParamHeader[] = [];
  collect(schema, { where, path: [], reachable: true }, found);
  const names = found.map((each) => each.header);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new ParamHeaderDeclarationError(
      `${where}: x-mcp-header ${
        JSON.stringify(twice.slice(10))
      } is declared twice`,
    );
  }
  return found;
}

/** The way to a schema. */
interface Place {
  readonly where: string;
  readonly path: readonly string[];
  /** The way goes through `properties` alone. */
  readonly reachable: boolean;
}

function collect(node: unknown, place: Place, found: ParamHeader[]): void {
  const elsewhere = { ...place, reachable: false };
  if (Array.isArray(node)) {
    for (const item of node) collect(item, elsewhere, found);
    return;
  }
  if (!isObject(node)) return;
  if (typeof node["x-mcp-header"] !== "undefined") {
    found.push(declared(node, place));
  }
  for (const [key, value] of Object.entries(node)) {
    if (key === "properties" && isObject(value)) {
      for (const [name, child] of Object.entries(value)) {
        collect(child, { ...place, path: [...place.path, name] }, found);
      }
    } else if (!HOLDS_VALUES.has(key)) collect(value, elsewhere, found);
  }
}

function declared(
  node: JsonObject,
  { where, path, reachable }: Place,
): ParamHeader {
  const name = node["x-mcp-header"];
  const at = path.length === 0 ? "the root" : path.join(".");
  const refuse = (why: string) => {
    throw new ParamHeaderDeclarationError(
      `${where}: x-mcp-header at ${at} ${why}`,
    );
  };
  if (typeof name !== "string" || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    refuse("must be a header name (RFC 9110 token)");
  }
  if (!reachable || path.length === 0) {
    refuse("must be reachable through `properties` alone");
  }
  const type = node.type;
  if (type !== "string" && type !== "integer" && type !== "boolean") {
    refuse("must be on a string, an integer or a boolean");
  }
  return {
    header: `mcp-param-${(name as string).toLowerCase()}`,
    path,
    type: type as ParamHeader["type"],
  };
}

/**
 * Checks that a call's `Mcp-Param-*` headers say what its arguments say.
 *
 * @throws {HeaderMismatchError} naming the header and the argument
 */
export function checkParamHeaders(
  declarations: readonly ParamHeader[],
  headers: Headers,
  args: unknown,
): void {
  for (const declaration of declarations) {
    const argument = valueAt(args, declaration.path);
    const raw = headers.get(declaration.header);
    checkOne(declaration, raw, argument);
  }
}

function checkOne(
  { header, path, type }: ParamHeader,
  raw: string | null,
  argument: unknown,
): void {
  const name = `arguments.${path.join(".")}`;
  if (argument === undefined || argument === null) {
    if (raw === null) return;
    throw new HeaderMismatchError(
      `${header} is set, but ${name} is not in the body`,
    );
  }
  if (raw === null) {
    throw new HeaderMismatchError(
      `${header} is missing, but ${name} is in the body`,
    );
  }
  const value = decodeHeaderValue(raw);
  if (value === undefined) {
    throw new HeaderMismatchError(
      `${header} holds invalid characters or broken base64`,
    );
  }
  if (!says(value, argument, type)) {
    throw new HeaderMismatchError(
      `${header} value ${
        JSON.stringify(value)
      } does not match ${name} in the body`,
    );
  }
}

function says(
  value: string,
  argument: unknown,
  type: ParamHeader["type"],
): boolean {
  if (type === "integer" && typeof argument === "number") {
    return /^-?\d+(?:\.0+)?$/.test(value) && Number(value) === argument;
  }
  return value === String(argument);
}

function valueAt(args: unknown, path: readonly string[]): unknown {
  let value = args;
  for (const key of path) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}
