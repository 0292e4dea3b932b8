import assert from "node:assert/strict";
import type { AuthInfo, FetchContext, McpServer } from "../../mod.ts";
import type { JsonObject } from "../../mod.ts";

/** Requests as clients write them, for tests to bend, and answers read in full. */

export const MODERN = "2026-07-28";
export const VERSION_KEY = "io.modelcontextprotocol/protocolVersion";
export const CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities";

export type HeaderSet = Record<string, string | null>;

/** A message of the modern era with the `_meta` that it must have. */
export function modernCall(
  method: string,
  params: JsonObject = {},
  id: unknown = 1,
): JsonObject & { params: JsonObject } {
  const meta = {
    [VERSION_KEY]: MODERN,
    [CAPABILITIES_KEY]: {},
    ...params._meta as JsonObject | undefined,
  };
  return { jsonrpc: "2.0", id, method, params: { ...params, _meta: meta } };
}

/** The headers that belong to a message of the modern era. */
export function modernHeaders(message: JsonObject): HeaderSet {
  const { method, params } = message as {
    method?: unknown;
    params?: JsonObject;
  };
  const name = params?.name ?? params?.uri ?? params?.taskId;
  return {
    "mcp-protocol-version": MODERN,
    ...(typeof method === "string" && { "mcp-method": method }),
    ...(typeof name === "string" && { "mcp-name": encodeHeaderValue(name) }),
  };
}

/** A modern message as an official client posts it. */
export function modernPost(
  message: JsonObject,
  signal?: AbortSignal,
): RequestInit {
  return {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...modernHeaders(message) as Record<string, string>,
    },
    body: JSON.stringify(message),
    signal,
  };
}

/** The form that a header may carry any text in. */
export function encodeHeaderValue(value: string): string {
  const safe = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(value) &&
    !(value.startsWith("=?base64?") && value.endsWith("?="));
  return safe || value === "" ? value : base64Header(value);
}

export function base64Header(value: string): string {
  const bytes = new TextEncoder().encode(value);
  return `=?base64?${btoa(String.fromCharCode(...bytes))}?=`;
}

/** What a server answered. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The JSON body, or the last message of an event stream. */
  body: {
    id?: unknown;
    // deno-lint-ignore no-explicit-any -- whatever the server answers
    result?: any;
    error?: { code: number; message: string; data?: unknown };
  };
  /** Every message, in order. */
  // deno-lint-ignore no-explicit-any -- whatever the server answers
  messages: any[];
}

export interface Posting {
  headers?: HeaderSet;
  authInfo?: AuthInfo;
  signal?: AbortSignal;
  url?: string;
  method?: string;
}

/** Sends a body by POST, with the headers of a well-behaved client unless told otherwise. */
export async function post(
  server: McpServer,
  body: unknown,
  { headers = {}, authInfo, signal, url, method = "POST" }: Posting = {},
): Promise<Answer> {
  const whole: HeaderSet = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    ...headers,
  };
  const given = Object.entries(whole).filter((each) => each[1] !== null);
  const raw = typeof body === "string" || body instanceof Uint8Array ||
    body instanceof ReadableStream || body === undefined;
  const request = new Request(url ?? "http://localhost/mcp", {
    method,
    headers: given as [string, string][],
    body: (raw ? body : JSON.stringify(body)) as BodyInit | undefined,
    signal,
  });
  const context: FetchContext | undefined = authInfo && { authInfo };
  return await read(await within(server.fetch(request, context)));
}

/** Sends one well-formed modern request, bent by `posting`. */
export function ask(
  server: McpServer,
  method: string,
  params: JsonObject = {},
  { headers, id = 1, ...posting }: Posting & { id?: unknown } = {},
): Promise<Answer> {
  const message = modernCall(method, params, id);
  return post(server, message, {
    ...posting,
    headers: { ...modernHeaders(message), ...headers },
  });
}

/** Reads a response to its end. */
export async function read(response: Response): Promise<Answer> {
  const text = await within(response.text());
  const messages = parseMessages(text, response.headers.get("content-type"));
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: messages.at(-1) ?? {},
    messages,
  };
}

function parseMessages(text: string, type: string | null): unknown[] {
  if (text === "") return [];
  if (type === "application/json") return [JSON.parse(text)];
  if (type !== "text/event-stream") return [];
  return text.split("\n\n").flatMap((event) => {
    const data = event.split("\n").find((line) => line.startsWith("data: "));
    return data === undefined || data === "data: "
      ? []
      : [JSON.parse(data.slice(6))];
  });
}

/** A legacy client's session. */
export class LegacyClient {
  readonly server: McpServer;
  readonly sessionId: string;
  readonly revision: string;

  private constructor(server: McpServer, sessionId: string, revision: string) {
    this.server = server;
    this.sessionId = sessionId;
    this.revision = revision;
  }

  static async open(
    server: McpServer,
    revision = "2025-11-25",
    capabilities: JsonObject = {},
  ): Promise<LegacyClient> {
    const { status, headers } = await post(
      server,
      initialize(revision, capabilities),
    );
    assert.equal(status, 200);
    const client = new LegacyClient(
      server,
      headers.get("mcp-session-id")!,
      revision,
    );
    await client.post({ jsonrpc: "2.0", method: "notifications/initialized" });
    return client;
  }

  post(body: unknown, { headers, ...posting }: Posting = {}): Promise<Answer> {
    return post(this.server, body, {
      ...posting,
      headers: {
        "mcp-session-id": this.sessionId,
        ...(this.revision >= "2025-06-18" &&
          { "mcp-protocol-version": this.revision }),
        ...headers,
      },
    });
  }

  ask(
    method: string,
    params: JsonObject = {},
    id: unknown = 1,
  ): Promise<Answer> {
    return this.post({ jsonrpc: "2.0", id, method, params });
  }

  end(): Promise<Answer> {
    return this.post(undefined, { method: "DELETE" });
  }
}

export function initialize(
  revision = "2025-11-25",
  capabilities: JsonObject = {},
): JsonObject {
  return {
    jsonrpc: "2.0",
    id: 0,
    method: "initialize",
    params: {
      protocolVersion: revision,
      capabilities,
      clientInfo: { name: "test", version: "1.0.0" },
    },
  };
}

/** Asserts an error answer: its status, its code, and what its message names. */
export function assertRefused(
  { status, body }: Answer,
  expected: { status: number; code: number; says?: RegExp; id?: unknown },
): void {
  assert.equal(body.result, undefined);
  assert.deepEqual(
    { status, code: body.error?.code },
    { status: expected.status, code: expected.code },
    body.error?.message,
  );
  if (expected.says) assert.match(body.error!.message, expected.says);
  if ("id" in expected) assert.equal(body.id, expected.id);
}

/** Asserts that the server still answers, in both eras, and holds nothing. */
export async function assertServes(server: McpServer): Promise<void> {
  const { status, body } = await ask(server, "tools/call", {
    name: "echo",
    arguments: { data: "still here" },
  });
  assert.equal(status, 200);
  assert.equal(body.result.content[0].text, "still here");
  assert.equal((await post(server, initialize())).status, 200);
  assert.equal(server.stats.inFlight, 0);
}

/** Fails rather than hangs. */
export async function within<T>(
  promise: T | Promise<T>,
  ms = 10_000,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const overdue = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer: hung?")), ms);
  });
  try {
    return await Promise.race([promise, overdue]);
  } finally {
    clearTimeout(timer);
  }
}
