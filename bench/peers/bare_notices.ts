/** The floor of a notice for all: a stream a client, and a frame written to each at once for every GET. */
const encoder = new TextEncoder();
const frame = encoder.encode(
  `data: ${
    JSON.stringify({
      jsonrpc: "2.0",
      method: "notifications/tools/list_changed",
      params: { _meta: { "io.modelcontextprotocol/subscriptionId": 1 } },
    })
  }\n\n`,
);
const open = new Set<ReadableStreamDefaultController<Uint8Array>>();

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.env.get("PORT")),
  onListen: () => {},
}, ({ method }) => {
  if (method === "GET") {
    for (const each of open) each.enqueue(frame);
    return new Response("written");
  }
  let stream: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream({
    start(controller) {
      stream = controller;
      open.add(stream);
      stream.enqueue(encoder.encode(": open\n\n"));
    },
    cancel: () => void open.delete(stream),
  });
  return new Response(body, {
    headers: { "content-type": "text/event-stream" },
  });
});
