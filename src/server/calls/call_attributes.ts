import { safeText } from "../../observe/log/log_fields.ts";
import type { Attributes } from "@opentelemetry/api";
import type { Call } from "./call.ts";
import type { CallDescription } from "./call_trace.ts";
import type { Session } from "../sessions/session.ts";

/** Stand-in for a client's word that the server doesn't know. */
const OTHER = "_OTHER";

/** Longer texts from clients are cut. */
const MAX_CHARS = 256;
const MAX_URI_CHARS = 2_048;

const METHODS_WITH_URI = new Set([
  "resources/read",
  "resources/subscribe",
  "resources/unsubscribe",
]);

/** Tells a client's words from those that the server knows. */
export interface KnownWords {
  hasMethod(method: string): boolean;
  /** Tells if there is a tool or a prompt of a name. */
  has(kind: "tools" | "prompts", name: string): boolean;
}

/** The attributes of a call (OpenTelemetry's conventions for MCP servers). */
export function describeCall(
  words: KnownWords,
  call: Call,
): CallDescription {
  const { method, params, requestId, session } = call;
  const known = words.hasMethod(method);
  const label = known ? method : OTHER;
  const measured: Attributes = {
    "mcp.method.name": label,
    "mcp.protocol.version": call.revision,
    ...networkOf(call),
  };
  const spanOnly: Attributes = {
    "jsonrpc.request.id": cut(String(requestId), MAX_CHARS),
  };
  if (!known) spanOnly["mcp.method.name"] = cut(method, MAX_CHARS);
  if (session?.id !== undefined) spanOnly["mcp.session.id"] = session.id;
  if (METHODS_WITH_URI.has(method) && typeof params.uri === "string") {
    spanOnly["mcp.resource.uri"] = cut(safeText(params.uri), MAX_URI_CHARS);
  }
  if (method === "tools/call") {
    measured["gen_ai.operation.name"] = "execute_tool";
  }
  const kind = namedKind(method);
  const { name } = params;
  if (kind === undefined || typeof name !== "string") {
    return { spanName: label, measured, spanOnly };
  }
  if (!words.has(kind.list, name)) {
    spanOnly[kind.attribute] = cut(name, MAX_CHARS);
    return { spanName: label, measured, spanOnly };
  }
  measured[kind.attribute] = name;
  return { spanName: `${method} ${name}`, measured, spanOnly };
}

/** Attributes that metrics and spans have of a session. */
export function describeSession(session: Session | undefined): Attributes {
  if (session === undefined) return {};
  return {
    "mcp.protocol.version": session.revision,
    ...networkAttributes(session.network),
  };
}

function namedKind(
  method: string,
): { list: "tools" | "prompts"; attribute: string } | undefined {
  if (method === "tools/call") {
    return { list: "tools", attribute: "gen_ai.tool.name" };
  }
  if (method === "prompts/get") {
    return { list: "prompts", attribute: "gen_ai.prompt.name" };
  }
  return undefined;
}

function networkOf({ reply, session }: Call): Attributes {
  return networkAttributes(
    reply.request === undefined ? session?.network : "http",
  );
}

function networkAttributes(network: Session["network"]): Attributes {
  if (network === "http") {
    return { "network.transport": "tcp", "network.protocol.name": "http" };
  }
  return network === "pipe" ? { "network.transport": "pipe" } : {};
}

function cut(text: string, maxChars: number): string {
  return text.slice(0, maxChars).toWellFormed();
}
