/** The floor of the mixed calls of `bench/soak.ts`: one answer to all of them, and sessions that are but remembered. */
const answer = {
  name: "echo",
  text: "processed_hello this one fails not found stepped rows What is it? " +
    "protocolVersion",
};
const sessions = new Map<string, unknown>();

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.env.get("PORT")),
  onListen: () => {},
}, async (request) => {
  if (request.method === "DELETE") {
    sessions.delete(request.headers.get("mcp-session-id")!);
    return new Response(null);
  }
  const { id, method, params } = await request.json();
  if (id === undefined) return new Response(null, { status: 202 });
  const headers = new Headers({ "content-type": "application/json" });
  if (method === "initialize") {
    const sessionId = crypto.randomUUID();
    sessions.set(sessionId, params);
    headers.set("mcp-session-id", sessionId);
  }
  return new Response(
    JSON.stringify({ jsonrpc: "2.0", id, result: answer }),
    { headers },
  );
});
