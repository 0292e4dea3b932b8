/** The loads of `bench/overload.ts`, and how one is measured. */
import { LoadConnection } from "./load_connection.ts";
import type { OpenLoad, OpenLoadResult } from "./open_load.ts";
import { loadCore } from "./pinning.ts";
import { ServerProcess, type ServerProcessOptions } from "./server_process.ts";
import {
  legacyRequest,
  messagesOf,
  modernRequest,
  type WireRequest,
} from "./wire.ts";

const modern = (name: string, meta?: Record<string, unknown>) =>
  modernRequest("tools/call", { name, arguments: {} }, meta);

/** What is called, by the name of the case. */
export const overloadCases: Readonly<Record<string, readonly WireRequest[]>> = {
  compute: [modern("compute")],
  wait: [modern("wait")],
  stream: [modern("stream", { progressToken: 1 })],
  mixed: [
    modern("compute"),
    legacyRequest("tools/call", { name: "compute", arguments: {} }),
  ],
};

const SERVERS: Readonly<Record<string, ServerProcessOptions>> = {
  on: { script: "servers/overload.ts" },
  off: { script: "servers/overload.ts", env: { ADMISSION: "off" } },
  sdk_v2: { script: "peers/sdk_v2_overload.ts" },
};

const PATIENCE_MS = 2_000;

/** How a server is loaded. */
export interface OverloadOptions {
  /** The loads, in multiples of what the server can bear. */
  readonly times: readonly number[];
  readonly seconds: number;
}

/** What came of one load. */
export interface OverloadRun extends OpenLoadResult {
  readonly times: number;
  /** Calls that ran for nobody. */
  readonly inVain: number;
  /** The most memory that was resident. */
  readonly rssBytes: number;
}

/** Loads a server more and more. */
export async function measureOverload(
  name: string,
  server: string,
  { times, seconds }: OverloadOptions,
): Promise<{ capacity: number; normalMs: number; runs: OverloadRun[] }> {
  const requests = overloadCases[name];
  await using process = await ServerProcess.start(SERVERS[server]);
  const { capacity, normalMs } = await capacityOf(process.port, requests);
  const runs: OverloadRun[] = [];
  for (const each of times) {
    const before = await executed(process.port);
    let rssBytes = 0;
    const timer = setInterval(() => {
      rssBytes = Math.max(rssBytes, process.rssBytes());
    }, 100);
    const result = await runLoad({
      port: process.port,
      perSecond: each * capacity,
      seconds,
      requests,
      patienceMs: PATIENCE_MS,
      normalMs,
    });
    clearInterval(timer);
    const ran = await executed(process.port) - before;
    runs.push({
      ...result,
      times: each,
      inVain: ran - result.answered - result.probes,
      rssBytes,
    });
  }
  return { capacity, normalMs, runs };
}

/** Calls per second with enough clients that wait for their answers, and the time of a lone one's. */
async function capacityOf(port: number, requests: readonly WireRequest[]) {
  const connection = new LoadConnection(port);
  const took: number[] = [];
  for (let call = 0; call < 40; call++) {
    const begun = performance.now();
    await connection.post(requests[call % requests.length], 60_000);
    if (call >= 20) took.push(performance.now() - begun);
  }
  connection.close();
  let done = 0;
  const begun = performance.now();
  const clients = Array.from({ length: 12 }, async (_, client) => {
    const connection = new LoadConnection(port);
    while (performance.now() - begun < 2_000) {
      const request = requests[client % requests.length];
      if (await connection.post(request, 60_000) === "answered") done++;
    }
    connection.close();
  });
  await Promise.all(clients);
  const capacity = done * 1_000 / (performance.now() - begun);
  return { capacity, normalMs: Math.max(...took) };
}

async function runLoad(load: OpenLoad): Promise<OpenLoadResult> {
  const { stdout, stderr } = await new Deno.Command("taskset", {
    args: [
      ...["--cpu-list", String(loadCore)],
      ...[Deno.execPath(), "run", "--allow-all", "--no-check"],
      new URL("open_load.ts", import.meta.url).pathname,
      JSON.stringify(load),
    ],
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (text === "") throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(text);
}

/** How many calls have run; asked until an answer comes. */
async function executed(port: number): Promise<number> {
  while (true) {
    const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
      method: "POST",
      ...modern("executed"),
    });
    const type = response.headers.get("content-type") ?? "";
    const answer = messagesOf(type, await response.text()).at(-1);
    const text = answer?.result?.content?.[0]?.text;
    if (text !== undefined) return Number(text);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
