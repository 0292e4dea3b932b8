/**
 * `deno task bench:soak`: what Sluice keeps in memory. Resident memory after
 * 100,000 and after 1,000,000 requests, and for each idle SSE stream
 * (`subscriptions/listen`), beside the same on a bare `Deno.serve`.
 *
 *     deno task bench:soak --streams 3000
 */
import { parseArgs } from "node:util";
import { requireCommands } from "./support/commands.ts";
import { post } from "./support/http_socket.ts";
import { httpTargets } from "./support/http_targets.ts";
import { loadCore } from "./support/pinning.ts";
import { ServerProcess } from "./support/server_process.ts";
import { printTable } from "./support/table.ts";
import { modernRequest } from "./support/wire.ts";
import { wrk } from "./support/wrk.ts";

const settleMs = 3_000;
const mebibyte = 1_048_576;

const { values: options } = parseArgs({
  options: { streams: { type: "string", default: "3000" } },
});
const streams = Number(options.streams);

await requireCommands("wrk", "taskset");
checkOpenFiles(streams + 200);
await reportRequests();
console.log();
await reportStreams();

async function reportRequests(): Promise<void> {
  const rows = [];
  for (const id of ["echo", "progress", "raw"]) {
    const { few, many } = await rssOverRequests(id);
    const growth = many / few - 1;
    rows.push([
      httpTargets[id].label,
      (few / mebibyte).toFixed(1),
      (many / mebibyte).toFixed(1),
      `${(growth * 100).toFixed(1)} %`,
      id === "echo" ? "within 5 %" : "",
      id === "echo" ? Math.abs(growth) <= 0.05 ? "yes" : "NO" : "",
    ]);
  }
  printTable(
    ["server", "MiB at 100,000", "at 1,000,000", "growth", "goal", "reached"],
    rows,
  );
}

async function rssOverRequests(id: string) {
  const { script, request } = httpTargets[id];
  await using server = await ServerProcess.start({ script });
  let sent = 0;
  const rssAt = async (count: number) => {
    while (sent < count) {
      const { requests, errors } = await wrk({
        url: `http://127.0.0.1:${server.port}/mcp`,
        request,
        connections: 32,
        seconds: 1,
        core: loadCore,
      });
      if (errors > 0) throw new Error(`${errors} answers failed`);
      sent += requests;
    }
    return await settledRss(server);
  };
  return { few: await rssAt(100_000), many: await rssAt(1_000_000) };
}

async function reportStreams(): Promise<void> {
  const bare = await bytesPerStream("peers/bare_sse.ts", ": open");
  const ours = await bytesPerStream(
    "servers/listen.ts",
    "notifications/subscriptions/acknowledged",
  );
  const ratio = ours / bare;
  printTable(
    [`${streams} idle streams`, "KiB each", "ratio", "goal", "reached"],
    [
      ["bare Deno.serve", (bare / 1_024).toFixed(1), "", "", ""],
      [
        "Sluice",
        (ours / 1_024).toFixed(1),
        ratio.toFixed(2),
        "<= 1.2",
        ratio <= 1.2 ? "yes" : "NO",
      ],
    ],
  );
}

async function bytesPerStream(script: string, mark: string): Promise<number> {
  const request = modernRequest("subscriptions/listen", {
    notifications: { toolsListChanged: true },
  });
  await using server = await ServerProcess.start({ script });
  using connections = new DisposableStack();
  const open = async () => {
    const connection = connections.use(await server.connect());
    await post(connection, request, mark);
  };
  for (let i = 0; i < 100; i++) await open();
  const before = await settledRss(server);
  for (let i = 0; i < streams; i++) await open();
  return (await settledRss(server) - before) / streams;
}

async function settledRss(server: ServerProcess): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  return server.rssBytes();
}

/** Ends the program when the system would not let one process hold so many sockets. */
function checkOpenFiles(needed: number): void {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  const allowed = Number(limits.match(/Max open files\s+(\d+)/)?.[1]);
  if (allowed >= needed) return;
  console.error(
    `This bench opens ${needed} files at once, and ${allowed} are allowed: ulimit -n ${needed}`,
  );
  Deno.exit(1);
}
