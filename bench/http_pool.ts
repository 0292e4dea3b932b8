/**
 * `deno run -A bench/http_pool.ts`: CPU time of a GET with HttpPool against bare
 * fetch, in one process, with the server in another. The last of the ways is
 * what fetch costs with a signal and a body read in pieces, which would be
 * needed to end an exchange in time, and to count bytes and measure silence; so
 * it is with TLS.
 */
import process from "node:process";
import { HttpPool } from "../src/pool/http/http_pool.ts";
import { judge } from "./support/goals.ts";
import { median, rotated } from "./support/statistics.ts";

const IN_FLIGHT = 50;
const ROUNDS = Number(Deno.args[0] ?? 21);
const COUNT = 2_000;

/** As its own process answers; only the client is measured. */
const script = `
  const body = JSON.stringify({ id: 7, name: "Ada", tags: ["a", "b", "c"],
    price: 12.5, text: "x".repeat(300) });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(body, { headers: { "content-type": "application/json" } }));
  console.log(server.addr.port);
`;
const server = new Deno.Command(Deno.execPath(), {
  args: ["eval", script],
  stdout: "piped",
}).spawn();
const reader = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
const url = `http://127.0.0.1:${(await reader.read()).value!.trim()}/`;

await using http = new HttpPool();
const limits = {
  totalTimeoutMs: 5_000,
  readTimeoutMs: 2_000,
  maxRetries: 1,
  maxBodyBytes: 100_000,
};

async function fetchByPieces(): Promise<unknown> {
  const { signal } = new AbortController();
  const { body } = await fetch(url, { signal, redirect: "manual" });
  const pieces = body!.getReader({ mode: "byob" });
  const first = await pieces.read(new Uint8Array(4_096));
  await pieces.read(new Uint8Array(1));
  return JSON.parse(new TextDecoder().decode(first.value));
}

const ways: [string, () => Promise<unknown>, atMost?: number][] = [
  ["fetch, json()", async () => await (await fetch(url)).json()],
  ["HttpPool.getJson", () => http.getJson(url), 1.1],
  ["HttpPool.getJson, a signal and all limits", () => {
    const { signal } = new AbortController();
    return http.getJson(url, { signal, ...limits });
  }, 1.25],
  ["fetch with a signal, in pieces", fetchByPieces],
];

async function cpuMicroseconds(get: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  let left = COUNT;
  const caller = async () => {
    while (left-- > 0) await get();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
  const { user, system } = process.cpuUsage();
  return (user + system - before.user - before.system) / COUNT;
}

const costs = new Map<string, number[]>(ways.map(([name]) => [name, []]));
for (const [, get] of ways) await cpuMicroseconds(get);
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, get] of rotated(ways, round)) {
    costs.get(name)!.push(await cpuMicroseconds(get));
  }
}

console.log(
  `GET of a small JSON, ${IN_FLIGHT} in flight: µs of CPU each, and against bare fetch (medians of ${ROUNDS} interleaved rounds)`,
);
const bare = costs.get(ways[0][0])!;
for (const [name, , atMost] of ways) {
  const cost = costs.get(name)!;
  const ratio = median(cost.map((each, round) => each / bare[round]));
  console.log(
    `  ${name.padEnd(44)}${median(cost).toFixed(1).padStart(7)}  ${
      ratio.toFixed(2)
    }  ${
      judge({
        name: `CPU of a GET: ${name} / bare fetch`,
        measured: ratio,
        atMost,
      }).join("  ")
    }`.trimEnd(),
  );
}

await reader.cancel();
server.kill();
await server.status;
