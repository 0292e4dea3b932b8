/**
 * `deno task bench:startup`: from starting the process to the first answer over
 * HTTP, many cold processes in alternation. A ratio is the median of the rounds'
 * ratios, and the one of CPU time counts. Deno's own code cache is warm, as after
 * a first run. Bundles are those of `deno bundle --code-splitting`.
 *
 *     deno task bench:startup --rounds 30
 */
import { parseArgs } from "node:util";
import { Bundles } from "./support/bundles.ts";
import { requireCommands } from "./support/commands.ts";
import { judge } from "./support/goals.ts";
import { post } from "./support/http_socket.ts";
import { loadCore, pinSelf } from "./support/pinning.ts";
import {
  ServerProcess,
  type ServerProcessOptions,
} from "./support/server_process.ts";
import { median, rotated } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";
import { modernRequest, type WireRequest } from "./support/wire.ts";

const { values: options } = parseArgs({
  options: { rounds: { type: "string", default: "30" } },
});

interface Server extends ServerProcessOptions {
  label: string;
  /** What it is asked first, and how the answer is known; the echo, if not said. */
  first?: [WireRequest, mark: string];
}

/** Time from before the process to its first answer, and what of it was spent computing. */
interface Sample {
  wallMs: number;
  cpuMs: number;
}

await requireCommands("taskset");
await using bundles = await Bundles.open();

const bare = { label: "bare Deno.serve", script: "peers/raw.ts" };
const tenLines = { label: "Sluice, ten lines", script: "servers/start.ts" };
const withZod = { label: "Sluice and zod", script: "servers/echo.ts" };
const sdk = { label: "SDK v2 and zod", script: "peers/sdk_v2.ts" };
const tenLinesBundled = {
  label: "Sluice, ten lines, bundled",
  script: await bundles.add(tenLines.script),
};
const sdkBundled = {
  label: "SDK v2 and zod, bundled",
  script: await bundles.add(sdk.script),
};
const command: Server = {
  label: "main.ts",
  script: "../main.ts",
  args: (port) => ["--port", String(port)],
  first: [
    modernRequest("tools/call", {
      name: "parallel_processing",
      arguments: { items: ["hello"] },
    }),
    "processed_hello",
  ],
};
const edge = { label: "EdgeFastMCP and zod", script: "peers/edge_fastmcp.ts" };
const servers: Server[] = [
  ...[bare, tenLines, tenLinesBundled, withZod],
  ...[command, edge, sdk, sdkBundled],
];
const comparisons = [
  { of: tenLines, to: bare, atMost: 2.3 },
  { of: tenLinesBundled, to: bare, atMost: 2.3 },
  { of: command, to: bare, atMost: 2.3 },
  { of: tenLines, to: sdk, atMost: 0.7 },
  { of: tenLinesBundled, to: sdk, atMost: 0.7 },
  { of: withZod, to: sdk, atMost: 0.7 },
  { of: tenLinesBundled, to: sdkBundled },
  { of: sdk, to: bare },
  { of: edge, to: bare },
];
const echo: [WireRequest, string] = [
  modernRequest("tools/call", { name: "echo", arguments: { data: "hello" } }),
  "processed_hello",
];

await pinSelf(loadCore);

const samples = new Map(servers.map((server) => [server, [] as Sample[]]));
for (const server of servers) await firstAnswer(server);
for (let round = 0; round < Number(options.rounds); round++) {
  for (const server of rotated(servers, round)) {
    samples.get(server)!.push(await firstAnswer(server));
  }
}

printTable(
  ["server", "ms", "CPU ms"],
  servers.map((server) => [
    server.label,
    Math.round(median(samples.get(server)!.map((s) => s.wallMs)) * 10) / 10,
    Math.round(median(samples.get(server)!.map((s) => s.cpuMs)) * 10) / 10,
  ]),
);
console.log();
printTable(
  ["ratio", "by CPU", "by time", "goal", "reached"],
  comparisons.map(({ of, to, atMost }) => {
    const name = `${of.label} / ${to.label}`;
    const byCpu = ratio(of, to, "cpuMs");
    return [
      name,
      byCpu.toFixed(2),
      ratio(of, to, "wallMs").toFixed(2),
      ...judge({ name: `start: ${name}`, measured: byCpu, atMost }),
    ];
  }),
);

async function firstAnswer(server: Server): Promise<Sample> {
  const [request, mark] = server.first ?? echo;
  const start = performance.now();
  await using process = ServerProcess.spawn(server);
  using connection = await process.connect();
  await post(connection, request, mark);
  return {
    wallMs: performance.now() - start,
    cpuMs: process.threadCpuMs(),
  };
}

function ratio(of: Server, to: Server, figure: keyof Sample): number {
  return median(
    samples.get(of)!.map((sample, round) =>
      sample[figure] / samples.get(to)![round][figure]
    ),
  );
}
