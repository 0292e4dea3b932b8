/** The floor of an open stream: one SSE comment, then silence until the client leaves. */
const hello = new TextEncoder().encode(": open\n\n");

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.env.get("PORT")),
  onListen: () => {},
}, () =>
  new Response(
    new ReadableStream({ start: (stream) => stream.enqueue(hello) }),
    { headers: { "content-type": "text/event-stream" } },
  ));
