/**
 * `deno run -A bench/cluster.ts`: what it takes to be one of several replicas, on
 * a Redis that it starts. What a call that needs no Redis costs where there is one;
 * round trips, commands and bytes of what does; how soon a notice is at another
 * replica; ten thousand listeners on two replicas, each with a resource of its own,
 * and all with one change; and the memory of each thing that is kept. Needs wrk.
 */
import { parseArgs } from "node:util";
import { TestRedis } from "../tests/support/redis.ts";
import { compareCheapCalls } from "./cluster/cheap_calls.ts";
import { measureMemory } from "./cluster/memory.ts";
import { measureNotices } from "./cluster/notices.ts";
import { countRoundTrips } from "./cluster/round_trips.ts";
import { requireCommands } from "./support/commands.ts";
import { isReached, judge, type Outcome } from "./support/goals.ts";
import { checkOpenFiles } from "./support/open_files.ts";
import { loadCore, pinSelf } from "./support/pinning.ts";
import { printTable } from "./support/table.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "30" },
    listeners: { type: "string", default: "10000" },
    seconds: { type: "string", default: "10" },
    things: { type: "string", default: "4000" },
    only: { type: "string", default: "calls,trips,notices,memory" },
  },
});
const rounds = Number(options.rounds);
const listeners = Number(options.listeners);
const things = Number(options.things);
const only = options.only.split(",");

await requireCommands("wrk", "taskset");
checkOpenFiles(listeners + 500);
await pinSelf(loadCore);
await using redis = await TestRedis.start();
const outcomes: Outcome[] = [];
if (only.includes("calls")) {
  outcomes.push(await compareCheapCalls(redis, rounds));
}
if (only.includes("trips")) outcomes.push(...await countRoundTrips(redis));
if (only.includes("notices")) {
  outcomes.push(
    ...await measureNotices(redis, {
      listeners,
      seconds: Number(options.seconds),
      rounds,
    }),
  );
}
if (only.includes("memory")) await measureMemory(redis, things);

console.log();
printTable(
  ["goal", "measured", "limit", "reached"],
  outcomes.map((outcome) => [
    outcome.name,
    outcome.measured!.toFixed(3),
    ...judge(outcome),
  ]),
);
Deno.exitCode = outcomes.every(isReached) ? 0 : 1;
