/**
 * `deno task bench:startup`: from starting the process to the first answer over
 * HTTP, many cold processes in alternation: a bare `Deno.serve`, Sluice alone,
 * and with zod Sluice, EdgeFastMCP and SDK v2. Deno's own code cache is warm, as
 * after a first run.
 *
 *     deno task bench:startup --rounds 30
 */
import { parseArgs } from "node:util";
import { requireCommands } from "./support/commands.ts";
import { post } from "./support/http_socket.ts";
import { loadCore, pinSelf } from "./support/pinning.ts";
import { ServerProcess } from "./support/server_process.ts";
import { median, rotated } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";
import { modernRequest } from "./support/wire.ts";

const { values: options } = parseArgs({
  options: { rounds: { type: "string", default: "30" } },
});

interface Server {
  label: string;
  script: string;
  /** The most that its time may be of the bare server's. */
  atMost?: number;
}

/** Time from before the process to its first answer, and what of it was spent computing. */
interface Sample {
  wallMs: number;
  cpuMs: number;
}

const bare: Server = { label: "bare Deno.serve", script: "peers/raw.ts" };
const servers: Server[] = [
  bare,
  { label: "Sluice", script: "servers/start.ts", atMost: 1.5 },
  { label: "Sluice and zod", script: "servers/echo.ts" },
  { label: "EdgeFastMCP and zod", script: "peers/edge_fastmcp.ts" },
  { label: "SDK v2 and zod", script: "peers/sdk_v2.ts" },
];
const request = modernRequest("tools/call", {
  name: "echo",
  arguments: { data: "hello" },
});

await requireCommands("taskset");
await pinSelf(loadCore);

const samples = new Map(servers.map((server) => [server, [] as Sample[]]));
for (const { script } of servers) await firstAnswer(script);
for (let round = 0; round < Number(options.rounds); round++) {
  for (const server of rotated(servers, round)) {
    samples.get(server)!.push(await firstAnswer(server.script));
  }
}

printTable(
  ["server", "ms", "CPU ms", "ratio", "by CPU", "goal", "reached"],
  servers.map((server) => {
    const ratio = ratioOf(server, "wallMs");
    return [
      server.label,
      Math.round(median(samples.get(server)!.map((s) => s.wallMs)) * 10) / 10,
      Math.round(median(samples.get(server)!.map((s) => s.cpuMs)) * 10) / 10,
      ratio.toFixed(2),
      ratioOf(server, "cpuMs").toFixed(2),
      server.atMost === undefined ? "" : `<= ${server.atMost}`,
      server.atMost === undefined ? "" : ratio <= server.atMost ? "yes" : "NO",
    ];
  }),
);

async function firstAnswer(script: string): Promise<Sample> {
  const start = performance.now();
  await using server = ServerProcess.spawn({ script });
  using connection = await server.connect();
  await post(connection, request, "processed_hello");
  return {
    wallMs: performance.now() - start,
    cpuMs: server.threadCpuMs(),
  };
}

function ratioOf(server: Server, figure: keyof Sample): number {
  return median(
    samples.get(server)!.map((sample, round) =>
      sample[figure] / samples.get(bare)![round][figure]
    ),
  );
}
