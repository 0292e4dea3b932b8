/**
 * What it costs to read the metrics: `/metrics` of a server with 500 tools, all
 * of them called. The goal is under 5 ms of CPU.
 */
import { McpServer } from "../mod.ts";

const server = new McpServer({ name: "many", version: "1.0.0" });
for (let tool = 0; tool < 500; tool++) {
  server.registerTool(`tool_${tool}`, {}, () => "done");
  for (let calls = 0; calls < 20; calls++) {
    await server.call("tools/call", { name: `tool_${tool}` });
  }
}

const page = (format: string) =>
  Deno.bench(`GET /metrics, 500 tools, ${format}`, async () => {
    const response = await server.fetch(
      new Request(`http://localhost/metrics?format=${format}`),
    );
    await response.bytes();
  });

page("prometheus");
page("openmetrics");
page("json");

const orders = server.metrics.counter("orders", { help: "Orders." });
Deno.bench("a counter counts on", () => orders.inc());
