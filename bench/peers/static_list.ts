/** The floor of `tools/list`: one string of `BYTES` bytes for every request, whose body is not read. */
const body = "x".repeat(Number(Deno.env.get("BYTES")));

Deno.serve(
  {
    hostname: "127.0.0.1",
    port: Number(Deno.env.get("PORT")),
    onListen: () => {},
  },
  () => new Response(body, { headers: { "content-type": "application/json" } }),
);
