/**
 * A server as it is deployed: what differs from place to place is in its
 * environment, and it ends with its listener.
 */
import { McpServer } from "@sluice/mcp";

const redis = Deno.env.get("REDIS_URL") || undefined;
const operatorPort = Deno.env.get("OPERATOR_PORT");

const server = new McpServer({ name: "deployed", version: "1.0.0" }, {
  // What clients call it, such as https://mcp.example.com: its host is allowed.
  publicUrl: Deno.env.get("PUBLIC_URL") || undefined,
  // Who speaks for the callers: addresses or networks, with commas between.
  trustedProxies: Deno.env.get("TRUSTED_PROXIES")?.split(",") ?? "loopback",
  // Replicas with one Redis are one server. Without it clients get no sessions, so
  // that any replica answers any request.
  redis,
  sessions: redis !== undefined,
});

server.registerTool("hello", {}, () => "Hello from a replica!");

const running = await server.serve({
  port: Number(Deno.env.get("PORT") || 8000),
  // Probes and Prometheus are answered there while a tool computes.
  operatorPort: operatorPort ? Number(operatorPort) : undefined,
  hostname: Deno.env.get("HOSTNAME_TO_LISTEN_ON") || "127.0.0.1",
  // Together with a second these must be less than what the machine gives it:
  // TimeoutStopSec, terminationGracePeriodSeconds.
  drainMs: Number(Deno.env.get("DRAIN_MS") || 5_000),
  graceMs: 20_000,
});
await running.finished;
Deno.exit();
