/**
 * `deno task soak`: ten minutes of mixed traffic on one server: honest calls of both
 * eras, tools that fail, clients that leave in the middle or are killed, and inputs of
 * the fuzzer. It ends with the memory, the descriptors, the sessions and the gauges
 * that it began with, or fails.
 *
 *     deno task soak --minutes 2 --visitors 8
 */
import { parseArgs } from "node:util";
import { eventually } from "../../support/eventually.ts";
import { TargetProcess } from "../target_process.ts";
import { MixedTraffic } from "./mixed_traffic.ts";

const MEBIBYTE = 1_048_576;
const KILL_EVERY_MS = 10_000;
const REST_MS = 60_000;

/** The gauges that must be at nought in the end. */
const GAUGES = ["sessions", "streams", "subscriptions", "tasks"];

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    visitors: { type: "string", default: "16" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const durationMs = Number(values.minutes) * 60_000;
const seed = Number(values.seed);
console.log(`seed ${seed}, ${values.minutes} minutes`);

await using target = await TargetProcess.start(undefined, "brief");
const filesBefore = target.openFiles();

// What is compiled and cached on the way is no leak: a tenth of the time warms up.
await traffic(durationMs / 10);
await atRest();
const before = target.rssBytes();
const visits = await traffic(durationMs);
await atRest();
const after = target.rssBytes();
const files = target.openFiles();

console.log(
  `${visits} visits; memory ${mebibytes(before)} MiB, then ` +
    `${mebibytes(after)}; descriptors ${filesBefore}, then ${files}; ` +
    `${GAUGES.join(", ")} at 0`,
);
if (after > 1.25 * before + 32 * MEBIBYTE) throw new Error("memory has grown");
if (files > filesBefore + 10) throw new Error("descriptors are left open");

/** Visits the server for a while, from many sides; gives the number of visits. */
async function traffic(forMs: number): Promise<number> {
  const end = performance.now() + forMs;
  let visits = 0;
  const visitors = Array.from(
    { length: Number(values.visitors) },
    async (_, index) => {
      const visitor = new MixedTraffic(target.port, seed + index);
      while (performance.now() < end) {
        await visitor.visit();
        visits++;
      }
    },
  );
  await Promise.all([...visitors, killClients(end)]);
  return visits;
}

async function killClients(end: number): Promise<void> {
  while (performance.now() + KILL_EVERY_MS < end) {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check"],
        new URL("killed_client.ts", import.meta.url).pathname,
        String(target.port),
      ],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    await child.stdout.getReader().read();
    child.kill("SIGKILL");
    await child.status;
    console.log(
      `memory ${mebibytes(target.rssBytes())} MiB, ` +
        `descriptors ${target.openFiles()}, ${JSON.stringify(await gauges())}`,
    );
    await new Promise((resolve) => setTimeout(resolve, KILL_EVERY_MS));
  }
}

/** Waits until nobody is on the server any more. */
async function atRest(): Promise<void> {
  await eventually(async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    return Object.values(await gauges()).every((value) => value === 0) &&
      target.openFiles() <= filesBefore + 10;
  }, REST_MS).catch(async () => {
    throw new Error(
      `still there: ${JSON.stringify(await gauges())}, ` +
        `${target.openFiles()} descriptors`,
    );
  });
}

async function gauges(): Promise<Record<string, number>> {
  const response = await fetch(
    `http://127.0.0.1:${target.port}/metrics?format=json`,
  );
  const figures = await response.json();
  return Object.fromEntries(GAUGES.map((name) => [name, figures[name]]));
}

function mebibytes(bytes: number): string {
  return (bytes / MEBIBYTE).toFixed(0);
}
