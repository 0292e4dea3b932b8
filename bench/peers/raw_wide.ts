/** `raw.ts` with the work of the tool `wide`: arguments and result validated by the same schemas, and nothing else. */
import { runWide, wideInput, wideOutput } from "../support/tool_set.ts";

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.env.get("PORT")),
  onListen: () => {},
}, async (request) => {
  const { id, params } = await request.json();
  const result = runWide(wideInput.parse(params.arguments));
  wideOutput.parse(result.structuredContent);
  return new Response(
    JSON.stringify({
      jsonrpc: "2.0",
      id,
      result: { resultType: "complete", ...result },
    }),
    { headers: { "content-type": "application/json" } },
  );
});
