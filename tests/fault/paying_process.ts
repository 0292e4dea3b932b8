/**
 * A server over a shared Redis: `paying_process.ts <url>`. It says where it
 * listens, then "paying" each time its tool runs, which ends only if told to.
 */
import { McpServer, RedisCache } from "../../mod.ts";

const cache = await RedisCache.connect({
  url: Deno.args[0],
  timeoutMs: 2_000,
  leaseMs: 500,
});
const server = new McpServer({ name: "shop", version: "1.0.0" }, {
  log: () => {},
});
server.registerTool("pay", {
  inputSchema: {
    type: "object",
    properties: { hang: { type: "boolean" } },
  },
  idempotent: { ttlMs: 60_000, cache },
}, async (args) => {
  console.log("paying");
  if ((args as { hang?: boolean }).hang) await new Promise(() => {});
  return `paid by ${Deno.pid}`;
});
await server.serve({
  port: 0,
  onListen: ({ port }) => console.log(`http://127.0.0.1:${port}/mcp`),
});
