/** The requests that the benches send, as bytes on the wire of either era; headers in small letters, as the official clients write them. */

/** One request: what differs between targets. */
export interface WireRequest {
  /** @default "POST" */
  method?: string;
  headers: Record<string, string>;
  body: string;
}

const modernVersion = "2026-07-28";

/** A JSON-RPC request of the 2026-07-28 revision, as its body alone (stdio sends no headers). */
export function modernMessage(
  id: number,
  method: string,
  params: Record<string, unknown>,
  meta: Record<string, unknown> = {},
): string {
  return JSON.stringify({
    jsonrpc: "2.0",
    id,
    method,
    params: {
      ...params,
      _meta: {
        "io.modelcontextprotocol/protocolVersion": modernVersion,
        "io.modelcontextprotocol/clientInfo": {
          name: "bench",
          version: "1.0.0",
        },
        "io.modelcontextprotocol/clientCapabilities": {},
        ...meta,
      },
    },
  });
}

/** A POST of the 2026-07-28 revision, with every header that it requires. */
export function modernRequest(
  method: string,
  params: Record<string, unknown> = {},
  meta: Record<string, unknown> = {},
): WireRequest {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": modernVersion,
    "mcp-method": method,
  };
  const named = params.name ?? params.uri ?? params.taskId;
  if (typeof named === "string") headers["mcp-name"] = named;
  return { headers, body: modernMessage(1, method, params, meta) };
}

/**
 * A POST of a legacy revision, without a session. Every revision wants both
 * types in `accept`; a server that streams whenever it may is faster with less.
 */
export function legacyRequest(
  method: string,
  params: Record<string, unknown>,
  accept = "application/json, text/event-stream",
): WireRequest {
  return {
    headers: {
      "content-type": "application/json",
      "accept": accept,
      "mcp-protocol-version": "2025-06-18",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  };
}

/** How a legacy client begins. */
export const initializeRequest: WireRequest = legacyRequest("initialize", {
  protocolVersion: "2025-06-18",
  capabilities: {},
  clientInfo: { name: "bench", version: "1.0.0" },
});

/** What it says when it has its answer. */
export const initializedRequest: WireRequest = {
  ...legacyRequest("notifications/initialized", {}),
  body: JSON.stringify({
    jsonrpc: "2.0",
    method: "notifications/initialized",
  }),
};

/** How it ends its session. */
export const deleteRequest: WireRequest = {
  ...initializedRequest,
  method: "DELETE",
  body: "",
};

/** The header line by which an answer gives a session, for the requests in it; nothing if it gives none. */
export function sessionHeader(head: string): string | undefined {
  return /^mcp-session-id: .*\r\n/im.exec(head)?.[0];
}

/** A JSON-RPC message as far as the benches look into it. */
export interface Message {
  id?: number;
  method?: string;
  error?: { code: number; message: string };
  result?: {
    isError?: boolean;
    content?: { text?: string }[];
    structuredContent?: Record<string, unknown>;
    tools?: unknown[];
  };
}

/** Every message in an answer, whether it came as JSON or as an SSE stream. */
export function messagesOf(contentType: string, body: string): Message[] {
  if (!contentType.startsWith("text/event-stream")) return [JSON.parse(body)];
  return body.split(/\r?\n/)
    .filter((line) => line.startsWith("data:") && line.length > 6)
    .map((line) => JSON.parse(line.slice(5)));
}
