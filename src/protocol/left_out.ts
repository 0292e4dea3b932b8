import { isObject, type JsonObject } from "./jsonrpc.ts";

/** The methods whose parameters are MCP's own, but for what is data in them. */
const OWN_METHODS: ReadonlySet<string> = new Set([
  "initialize",
  "ping",
  "tools/list",
  "tools/call",
  "prompts/list",
  "prompts/get",
  "resources/list",
  "resources/templates/list",
  "resources/read",
  "resources/subscribe",
  "resources/unsubscribe",
  "completion/complete",
  "logging/setLevel",
  "server/discover",
  "subscriptions/listen",
  "tasks/get",
  "tasks/update",
  "tasks/cancel",
  "notifications/initialized",
  "notifications/cancelled",
  "notifications/progress",
  "notifications/roots/list_changed",
]);

/** The keys of `_meta` that are MCP's own, but for the one that tells the era: none is a wrong one. */
const OWN_META =
  /^(io\.modelcontextprotocol\/(?!protocolVersion$)|(progressToken|traceparent|tracestate|baggage)$)/;

/** Levels of nesting in what is MCP's own, with room to spare. */
const MAX_DEPTH = 8;

/**
 * A message, or a batch of them, without what a client has written as null in place
 * of leaving it out; what is no message stays as it is.
 */
export function givenMessages(value: unknown): unknown {
  return Array.isArray(value) ? value.map(givenMessage) : givenMessage(value);
}

function givenMessage(value: unknown): unknown {
  if (!isObject(value)) return value;
  const { method, params, result } = value;
  if (typeof method === "string" && isObject(params)) {
    return { ...value, params: givenParams(method, params) };
  }
  return isObject(result) ? { ...value, result: givenResult(result) } : value;
}

/**
 * The parameters of a request or notification without what a client has written as
 * null in place of leaving it out. In what is MCP's own null means nothing else;
 * a tool's arguments, and all of a method of the author's, are data.
 */
function givenParams(method: string, params: JsonObject): JsonObject {
  const own = OWN_METHODS.has(method);
  if (!mayHoldNull(method, own, params)) return params;
  return mapMembers(params, (key, value) => {
    if (typeof value !== "object") return value;
    if (key === "_meta") return givenMeta(value);
    if (!own) return value;
    if (key === "arguments" && method === "tools/call") {
      return value ?? undefined;
    }
    return key === "inputResponses" && isObject(value)
      ? mapMembers(value, (_, answer) => givenResult(answer))
      : withoutNulls(value, MAX_DEPTH);
  });
}

/** Tells if it is worth a closer look: nearly no client writes nulls. */
function mayHoldNull(
  method: string,
  own: boolean,
  params: JsonObject,
): boolean {
  for (const key in params) {
    const value = params[key];
    if (value === null) return true;
    if (typeof value !== "object" || !(own || key === "_meta")) continue;
    const isData = key === "arguments" && method === "tools/call";
    if (!isData && holdsNull(value, MAX_DEPTH)) return true;
  }
  return false;
}

function holdsNull(object: object, depth: number): boolean {
  for (const key in object) {
    const value = (object as JsonObject)[key];
    if (value === null) return true;
    if (
      typeof value === "object" && depth > 0 && holdsNull(value, depth - 1)
    ) return true;
  }
  return false;
}

/** The same of what a client answers: what users and models said is data. */
function givenResult(result: unknown): unknown {
  if (!isObject(result)) return result;
  return mapMembers(result, (key, value) => {
    if (key === "roots") return withoutNulls(value, MAX_DEPTH);
    if (key === "_meta") return givenMeta(value);
    // A form has no field that could be null.
    const isForm = key === "content" && result.action !== undefined;
    return isForm ? withoutNulls(value, 2) : value ?? undefined;
  });
}

function givenMeta(meta: unknown): unknown {
  if (!isObject(meta)) return meta ?? undefined;
  return mapMembers(
    meta,
    (key, value) =>
      typeof value === "object" && OWN_META.test(key)
        ? withoutNulls(value, MAX_DEPTH)
        : value,
  );
}

function withoutNulls(value: unknown, depth: number): unknown {
  if (value === null) return undefined;
  if (typeof value !== "object" || depth === 0) return value;
  return Array.isArray(value)
    ? value.map((each) => each === null ? each : withoutNulls(each, depth - 1))
    : mapMembers(
      value as JsonObject,
      (_, each) => withoutNulls(each, depth - 1),
    );
}

/** The object itself as long as nothing changes. */
function mapMembers(
  object: JsonObject,
  map: (key: string, value: unknown) => unknown,
): JsonObject {
  let result = object;
  for (const key in object) {
    const value = object[key];
    const mapped = map(key, value);
    if (mapped === value) continue;
    if (result === object) result = { ...object };
    if (mapped === undefined) delete result[key];
    else result[key] = mapped;
  }
  return result;
}
