/** The floor of all comparisons: parse, answer, serialise. No check of any kind. */
Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.env.get("PORT")),
  onListen: () => {},
}, async (request) => {
  const { id, params } = await request.json();
  return new Response(
    JSON.stringify({
      jsonrpc: "2.0",
      id,
      result: {
        resultType: "complete",
        content: [{ type: "text", text: `processed_${params.arguments.data}` }],
      },
    }),
    { headers: { "content-type": "application/json" } },
  );
});
