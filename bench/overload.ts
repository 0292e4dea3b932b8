/**
 * `deno task bench:overload`: what is left of a server under 1, 2, 5 and 10 times
 * the load that it can bear, from clients that leave after 2 s. Arrivals come at a
 * constant rate, whatever becomes of them. Servers run on core 0, the load on
 * core 1. A run that shares them with something else tells little.
 *
 *     deno task bench:overload --only compute --seconds 5
 */
import { parseArgs } from "node:util";
import { requireCommands } from "./support/commands.ts";
import { isReached, judge } from "./support/goals.ts";
import { measureOverload, overloadCases } from "./support/overload_cases.ts";
import { printTable } from "./support/table.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: Object.keys(overloadCases).join() },
    servers: { type: "string", default: "on,off,sdk_v2" },
    times: { type: "string", default: "1,2,5,10" },
    seconds: { type: "string", default: "5" },
  },
});

await requireCommands("taskset");
let good = true;
for (const name of options.only.split(",")) {
  for (const server of options.servers.split(",")) {
    const { capacity, normalMs, runs } = await measureOverload(name, server, {
      times: options.times.split(",").map(Number),
      seconds: Number(options.seconds),
    });
    const peak = Math.max(...runs.map(({ goodput }) => goodput));
    console.log(
      `\n${name}, ${server}: ${Math.round(capacity)}/s at its best, ` +
        `${normalMs.toFixed(1)} ms a call when idle`,
    );
    printTable(
      [
        "load",
        "answered/s",
        "of peak",
        "p50 ms",
        "p99 ms",
        "answered",
        "refused",
        "left",
        "failed",
        "in vain",
        "MiB",
        "back after ms",
      ],
      runs.map((run) => [
        `${run.times} x`,
        Math.round(run.goodput),
        (run.goodput / peak).toFixed(2),
        Math.round(run.p50),
        Math.round(run.p99),
        run.answered,
        run.refused,
        run.left,
        run.failed,
        run.inVain,
        Math.round(run.rssBytes / 1_048_576),
        Math.round(run.recoveryMs),
      ]),
    );
    if (server === "on") {
      const outcomes = [{
        name: `${name}: the least answered/s, of the most`,
        measured: Math.min(...runs.map(({ goodput }) => goodput)) / peak,
        atLeast: 0.9,
      }, {
        name: `${name}: ms until it is back`,
        measured: Math.max(...runs.map(({ recoveryMs }) => recoveryMs)),
        atMost: 1_000,
      }];
      for (const outcome of outcomes) judge(outcome);
      good &&= outcomes.every(isReached);
    }
  }
}
Deno.exitCode = good ? 0 : 1;
