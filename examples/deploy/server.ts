/**
 * A server as it is deployed: what differs from place to place is in its
 * environment, and it ends with its listener.
 */
import { McpServer } from "@sluice/mcp";

const server = new McpServer({ name: "deployed", version: "1.0.0" }, {
  // What clients call it, such as https://mcp.example.com: its host is allowed.
  publicUrl: Deno.env.get("PUBLIC_URL") || undefined,
  // Any replica answers any request.
  sessions: false,
});

server.registerTool("hello", {}, () => "Hello from a replica!");

const running = await server.serve({
  port: Number(Deno.env.get("PORT") || 8000),
  hostname: Deno.env.get("HOSTNAME_TO_LISTEN_ON") || "127.0.0.1",
  // Together with a second these must be less than what the machine gives it:
  // TimeoutStopSec, terminationGracePeriodSeconds.
  drainMs: Number(Deno.env.get("DRAIN_MS") || 5_000),
  graceMs: 20_000,
});
await running.finished;
Deno.exit();
