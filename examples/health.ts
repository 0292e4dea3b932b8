/**
 * Health: what a load balancer and an operator ask a server. Run it with
 * `deno run -A examples/health.ts`; it probes itself, and ends.
 */
import { McpServer, Pool } from "@sluice/mcp";

/** Stands for a connection to something that may die. */
class Line {
  static down = false;
  static connect(): Line {
    if (Line.down) throw new Error("nobody answers at the other end");
    return new Line();
  }
}

const server = new McpServer({ name: "health", version: "1.0.0" }, {
  health: { cacheMs: 100, timeoutMs: 500 },
  // What can tell its own health is checked under its key, here "lines".
  lifespan: (stack) => ({
    lines: stack.use(
      new Pool({
        create: Line.connect,
        validate: () => !Line.down,
        backoffMs: 10,
      }),
    ),
  }),
});

// Checks of your own: nothing or true is healthy, what is thrown is not.
server.health.add("disk", async () => {
  const { size } = await Deno.stat(import.meta.filename!);
  return size > 0 || { status: "degraded", message: "the file is empty" };
});
server.health.add("search", () => "not_configured", { critical: false });
server.health.add("mail", (signal) => askForEver(signal), {
  critical: false,
  timeoutMs: 50,
});

function askForEver(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason))
  );
}

server.registerTool("call", {}, async ({ lifespan }) => {
  await lifespan.lines.use(() => {});
  return "called";
});

const running = await server.serve({
  port: 0,
  drainMs: 200,
  onListen: ({ port }) => console.log(`listening on port ${port}`),
});

async function show(path: string): Promise<void> {
  const response = await fetch(new URL(path, running.url));
  const { status, checks = {} } = await response.json();
  console.log(`${path}: ${response.status} ${status}`);
  for (const [name, check] of Object.entries<{ status: string }>(checks)) {
    console.log(`  ${name}: ${check.status}`);
  }
}

await show("/health");
await show("/health/ready");
await show("/health/detailed");

console.log("\nThe line goes down:");
Line.down = true;
await server.call("tools/call", { name: "call" });
await new Promise((resolve) => setTimeout(resolve, 150));
await show("/health/detailed");
await show("/health/ready");

console.log("\nThe server drains:");
const ended = running.shutdown();
await show("/health/ready");
await ended;
