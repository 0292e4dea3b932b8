/**
 * What a server measures, and metrics of one's own. Run it with
 * `deno run -A examples/monitoring.ts`; it calls its own tools and prints what
 * `/metrics` says. A server that listens serves the same at that path.
 */
import { McpServer, monitored } from "@sluice/mcp";
import { z } from "zod";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const server = new McpServer({ name: "shop", version: "1.0.0" }, {
  slowMs: 20, // one line in the log past that
});

// Metrics of one's own: a counter by channel, and what the queue stands at.
const orders = server.metrics.counter("shop_orders", {
  help: "Orders taken.",
  labels: ["channel"],
});
const queue: string[] = [];
server.metrics.gauge("shop_queue_length", {
  help: "Orders that wait to be packed.",
  read: () => queue.length,
});

// Any function can be counted and timed.
const pack = monitored(async function pack(item: string) {
  await pause(5);
  if (item === "glass") throw new Error("it broke");
  return `${item}, packed`;
});

server.registerTool("order", {
  inputSchema: z.object({ item: z.string() }),
  concurrency: 2, // the others wait in line, and /metrics says how long
}, async ({ item }) => {
  orders.labels({ channel: "mcp" }).inc();
  queue.push(item);
  try {
    return await pack(item);
  } finally {
    queue.pop();
  }
});
server.registerTool("slow", {}, () => pause(30).then(() => "at last"));
server.registerTool("get_server_metrics", {}, () => server.readMetrics());

const order = (item: string) =>
  server.call("tools/call", { name: "order", arguments: { item } });
await Promise.all(["book", "lamp", "glass", "chair"].map(order));
await server.call("tools/call", { name: "slow" });

console.log("\nGET /metrics (what concerns orders, without the buckets)");
const page = await server.fetch(new Request("http://localhost/metrics"));
for (const line of (await page.text()).split("\n")) {
  if (/order|pack|shop/.test(line) && !line.includes("_bucket")) {
    console.log(" ", line);
  }
}

console.log("\nThe same as a document");
const { requests_total, errors_total, tools, memory_rss_mb } = server
  .readMetrics();
console.log({ requests_total, errors_total, memory_rss_mb });
console.log(tools.order);

await server.close();
