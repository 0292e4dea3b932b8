/** Calls of every kind and of both eras, each answer checked. */
import { legacyRequest, modernRequest, type WireRequest } from "./wire.ts";

/** A request, the text that its answer must have, and how often it comes. */
type Kind = [request: WireRequest, mark: string, share: number];

const tool = (name: string, args: object = {}) =>
  ["tools/call", { name, arguments: args }] as const;
const echo = tool("echo", { data: "hello" });

const kinds: Kind[] = [
  [modernRequest(...echo), "processed_hello", 6],
  [modernRequest("tools/list"), '"echo"', 1],
  [modernRequest(...tool("fail")), "this one fails", 1],
  [modernRequest(...tool("nobody")), "not found", 1],
  [modernRequest(...tool("steps"), { progressToken: 1 }), "stepped", 1],
  [modernRequest("resources/read", { uri: "data://page" }), "rows", 1],
  [modernRequest("prompts/get", { name: "ask" }), "What is it?", 1],
];
const stateless = kinds.flatMap(([request, mark, share]) =>
  Array.from({ length: share }, () => [request, mark] as const)
);

const begin = legacyRequest("initialize", {
  protocolVersion: "2025-06-18",
  capabilities: {},
  clientInfo: { name: "bench", version: "1.0.0" },
});
const begun = legacyRequest("notifications/initialized", {});

const callsOfSession = 4;

/** Sends so many requests, from 32 clients at once; a third belong to sessions. */
export async function mixedLoad(url: string, count: number): Promise<void> {
  let left = count;
  const client = async () => {
    while (left > 0) {
      left -= stateless.length + callsOfSession + 3;
      for (const [request, mark] of stateless) await send(url, request, mark);
      await session(url);
    }
  };
  await Promise.all(Array.from({ length: 32 }, client));
}

async function session(url: string): Promise<void> {
  const { headers } = await send(url, begin, "protocolVersion");
  const own = { "mcp-session-id": headers.get("mcp-session-id")! };
  const within = ({ headers, body }: WireRequest): WireRequest => ({
    headers: { ...headers, ...own },
    body,
  });
  const { id: _, ...notice } = JSON.parse(begun.body);
  await send(url, within({ ...begun, body: JSON.stringify(notice) }), "");
  const call = within(legacyRequest(...echo));
  for (let i = 0; i < callsOfSession; i++) {
    await send(url, call, "processed_hello");
  }
  const ended = await fetch(url, { method: "DELETE", headers: own });
  await ended.body?.cancel();
  if (!ended.ok) throw new Error(`DELETE: ${ended.status}`);
}

async function send(
  url: string,
  request: WireRequest,
  mark: string,
): Promise<Response> {
  const response = await fetch(url, { method: "POST", ...request });
  const text = await response.text();
  if (text.includes(mark)) return response;
  throw new Error(`${mark} is missing in ${response.status}: ${text}`);
}
