/**
 * `deno run -A bench/metrics.ts`: what it costs to read the metrics: `/metrics`
 * of a server with 500 tools, all of them called; and to count one's own.
 */
import process from "node:process";
import { McpServer } from "../mod.ts";
import { compare } from "./support/compare.ts";
import { judge } from "./support/goals.ts";
import { median } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";

const PAGES = 50;

await using server = new McpServer({ name: "many", version: "1.0.0" });
for (let tool = 0; tool < 500; tool++) {
  server.registerTool(`tool_${tool}`, {}, () => "done");
  for (let calls = 0; calls < 20; calls++) {
    await server.call("tools/call", { name: `tool_${tool}` });
  }
}

async function pageCpuMs(format: string): Promise<number> {
  const before = process.cpuUsage();
  const response = await server.fetch(
    new Request(`http://localhost/metrics?format=${format}`),
  );
  await response.bytes();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

const rows = [];
for (const format of ["prometheus", "openmetrics", "json"]) {
  const costs: number[] = [];
  for (let page = 0; page < PAGES; page++) costs.push(await pageCpuMs(format));
  const name = `GET /metrics, 500 tools, ${format}, ms of CPU`;
  const measured = median(costs);
  rows.push([
    name,
    measured.toFixed(2),
    ...judge({ name, measured, atMost: 5 }),
  ]);
}
printTable(["page", "CPU ms", "goal", "reached"], rows);

const orders = server.metrics.counter("orders", { help: "Orders." });
await compare({ title: "a metric of one's own", count: 100_000, rounds: 15 }, [
  {
    name: "counter.inc()",
    run: (count) => {
      for (let order = 0; order < count; order++) orders.inc();
    },
  },
]);
