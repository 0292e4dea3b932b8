/**
 * `deno task bench:soak`: what Sluice keeps in memory. Resident memory of an idle
 * `main.ts`; of a server after 10,000 and after 1,000,000 mixed calls, by itself
 * and as `examples/deploy` starts it, beside a bare `Deno.serve` that gives all of
 * them one answer; of one after 100,000 and after 1,000,000 calls of one kind; and
 * for each idle SSE stream (`subscriptions/listen`), beside the same on a bare
 * `Deno.serve`.
 *
 *     deno task bench:soak --streams 3000 --calls 1000000
 */
import { parseArgs } from "node:util";
import { requireCommands } from "./support/commands.ts";
import { judge } from "./support/goals.ts";
import { post } from "./support/http_socket.ts";
import { httpTargets } from "./support/http_targets.ts";
import { mixedLoad } from "./support/mixed_load.ts";
import { checkOpenFiles } from "./support/open_files.ts";
import { loadCore, pinSelf } from "./support/pinning.ts";
import {
  ServerProcess,
  type ServerProcessOptions,
} from "./support/server_process.ts";
import { printTable } from "./support/table.ts";
import { modernRequest } from "./support/wire.ts";
import { wrkAnswers } from "./support/wrk.ts";

const settleMs = 3_000;
/** By then a server that waits has done what it does by itself. */
const idleMs = 15_000;
const fewCalls = 10_000;
const mebibyte = 1_048_576;
const mixed = { script: "servers/mixed.ts" };
/** What V8 is told where `examples/deploy` starts a server. */
const deployed = { DENO_V8_FLAGS: "--max-semi-space-size=8" };

const { values: options } = parseArgs({
  options: {
    streams: { type: "string", default: "3000" },
    calls: { type: "string", default: "1000000" },
  },
});
const streams = Number(options.streams);
const calls = Number(options.calls);

await requireCommands("wrk", "taskset");
checkOpenFiles(streams + 200);
await pinSelf(loadCore);
await reportIdle();
console.log();
await reportMixed();
console.log();
await reportRequests();
console.log();
await reportStreams();

async function reportIdle(): Promise<void> {
  await using server = await ServerProcess.start({
    script: "../main.ts",
    args: (port) => ["--port", String(port)],
  });
  await new Promise((resolve) => setTimeout(resolve, idleMs));
  const measured = server.rssBytes() / mebibyte;
  const name = "main.ts, idle, MiB";
  printTable(["memory", "MiB", "goal", "reached"], [
    [name, measured.toFixed(1), ...judge({ name, measured, atMost: 90 })],
  ]);
}

async function reportMixed(): Promise<void> {
  const count = calls.toLocaleString("en-US");
  printTable(
    ["mixed calls", "MiB at 10,000", `at ${count}`, "ratio", "goal", "reached"],
    [
      await mixedRow(`${count} mixed calls`, { ...mixed, atMost: 1.5 }),
      await mixedRow(`${count} mixed calls, as deployed`, {
        ...mixed,
        env: deployed,
        atMost: 1.5,
      }),
      await mixedRow(`${count} mixed calls, bare Deno.serve`, {
        script: "peers/bare_mixed.ts",
      }),
    ],
  );
}

/** Both eras, with sessions. */
async function mixedRow(
  name: string,
  { atMost, ...started }: ServerProcessOptions & { atMost?: number },
): Promise<string[]> {
  await using server = await ServerProcess.start(started);
  const url = `http://127.0.0.1:${server.port}/mcp`;
  await mixedLoad(url, fewCalls);
  const few = await settledRss(server);
  await mixedLoad(url, calls - fewCalls);
  const many = await settledRss(server);
  const measured = many / few;
  return [
    name,
    (few / mebibyte).toFixed(1),
    (many / mebibyte).toFixed(1),
    measured.toFixed(2),
    ...judge({
      name: `memory after ${name} / after 10,000`,
      measured,
      atMost,
    }),
  ];
}

async function reportRequests(): Promise<void> {
  const few = calls / 10;
  const rows = [];
  for (const id of ["echo", "progress", "raw"]) {
    const rss = await rssOverRequests(id, [few, calls]);
    const measured = rss[1] / rss[0];
    rows.push([
      httpTargets[id].label,
      ...rss.map((bytes) => (bytes / mebibyte).toFixed(1)),
      measured.toFixed(3),
      ...judge({
        name: `memory after ${calls} calls / after ${few}: ${id}`,
        measured,
        atMost: id === "echo" ? 1.05 : undefined,
      }),
    ]);
  }
  printTable(
    ["server", `MiB at ${few}`, `at ${calls}`, "ratio", "goal", "reached"],
    rows,
  );
}

async function rssOverRequests(
  id: string,
  counts: number[],
): Promise<number[]> {
  const { script, request } = httpTargets[id];
  await using server = await ServerProcess.start({ script });
  let sent = 0;
  const rssAt = async (count: number) => {
    while (sent < count) {
      sent += await wrkAnswers({
        port: server.port,
        request,
        connections: 32,
        seconds: 1,
      });
    }
    return await settledRss(server);
  };
  const rss = [];
  for (const count of counts) rss.push(await rssAt(count));
  return rss;
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
        ...judge({
          name: "memory of an idle stream / on bare Deno.serve",
          measured: ratio,
          atMost: 1.2,
        }),
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
