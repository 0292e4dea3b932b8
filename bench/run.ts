/**
 * `deno task bench`: every bench of the package, one after another in at most
 * ten minutes, with fewer rounds than on its own, and one summary of the goals
 * that were reached and missed. Exits with 1 when a goal is missed or a bench
 * fails. It wants the machine for itself.
 *
 * The peers of `work.ts` are built first, which takes minutes once: see
 * `deno task bench:work --build`.
 *
 *     deno task bench --only startup,http --minutes 20
 */
import { parseArgs } from "node:util";
import { ROUNDS } from "./support/compare.ts";
import { isReached, limitOf, type Outcome, OUTCOMES } from "./support/goals.ts";
import { printTable } from "./support/table.ts";

/** Every bench by its script: to add one is to add a line. */
const benches: Record<string, string[]> = {
  "startup.ts": ["--rounds", "7"],
  "work.ts": [
    ...["--only", "fetch,pool,go,rust,node_v1", "--modes", "modern"],
    ...["--rounds", "3", "--warm-up", "2"],
  ],
  "http.ts": ["--rounds", "2", "--warm-up", "2"],
  "sessions.ts": ["--rounds", "5", "--turns", "1000", "--live", "2000"],
  "cluster.ts": [
    ...["--rounds", "6", "--listeners", "2000", "--seconds", "3"],
    ...["--things", "1000"],
  ],
  "databases.ts": [
    ...["--rounds", "5", "--calls", "1000"],
    ...["--cold-rounds", "2", "--cold-calls", "100"],
  ],
  "overload.ts": [
    ...["--only", "compute", "--servers", "on", "--times", "1,10"],
    ...["--seconds", "3"],
  ],
  "stdio.ts": ["--rounds", "3", "--seconds", "1"],
  "in_memory.ts": ["--rounds", "5"],
  "soak.ts": ["--calls", "50000", "--streams", "500"],
  "benchmarking_bench.ts": [],
  "auth.ts": [],
  "batch.ts": [],
  "batch_postgres.ts": [],
  "cache/coherence.ts": [],
  "cache/memory.ts": [],
  "cache/redis.ts": [],
  "http_pool.ts": ["7"],
  "limit.ts": [],
  "metrics.ts": [],
  "pool.ts": [],
  "postgres.ts": [],
  "processes.ts": ["2"],
  "workers.ts": [],
};

/** Rounds of the benches that compare ways within one process. */
const COMPARED_ROUNDS = "5";

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    minutes: { type: "string", default: "10" },
  },
});

const end = performance.now() + Number(options.minutes) * 60_000;
const rows: (string | number)[][] = [];
let isGood = true;

for (const script of chosen(options.only)) {
  console.log(`\n== ${script}`);
  const begun = performance.now();
  const { outcomes, failure } = await run(script);
  console.log(`(${Math.round((performance.now() - begun) / 1_000)} s)`);
  for (const outcome of outcomes) {
    const isMet = isReached(outcome);
    isGood &&= isMet;
    const measured = outcome.measured?.toFixed(2) ?? "failed";
    rows.push([
      script,
      outcome.name,
      measured,
      limitOf(outcome),
      isMet ? "yes" : "NO",
    ]);
  }
  if (failure === undefined) continue;
  isGood = false;
  rows.push([script, failure, "", "", "NO"]);
}
console.log("\n== summary");
printTable(["bench", "goal", "measured", "limit", "reached"], rows);
const missed = rows.filter((row) => row.at(-1) === "NO").length;
console.log(`\n${rows.length - missed} reached, ${missed} missed`);
Deno.exitCode = isGood ? 0 : 1;

function chosen(only: string | undefined): string[] {
  if (only === undefined) return Object.keys(benches);
  return only.split(",").map((name) => {
    const script = name.endsWith(".ts") ? name : `${name}.ts`;
    if (script in benches) return script;
    console.error(
      `There is no bench ${script}: ${Object.keys(benches).join(", ")}`,
    );
    Deno.exit(2);
  });
}

/** Runs a bench for as long as there is time; its output is shown as it comes. */
async function run(
  script: string,
): Promise<{ outcomes: Outcome[]; failure: string | undefined }> {
  const left = end - performance.now();
  if (left <= 0) return { outcomes: [], failure: "not begun: out of time" };
  const file = await Deno.makeTempFile();
  const isDenoBench = script.endsWith("_bench.ts");
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      isDenoBench ? "bench" : "run",
      "--allow-all",
      new URL(script, import.meta.url).pathname,
      ...benches[script],
    ],
    env: { NO_COLOR: "1", [OUTCOMES]: file, [ROUNDS]: COMPARED_ROUNDS },
    stdin: "null",
  }).spawn();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill();
  }, left);
  const { success, signal } = await child.status;
  clearTimeout(timer);
  const text = await Deno.readTextFile(file);
  await Deno.remove(file);
  const outcomes = text.split("\n").filter(Boolean).map((line): Outcome =>
    JSON.parse(line)
  );
  return { outcomes, failure: failureOf() };

  function failureOf(): string | undefined {
    if (isLate) return "not finished: out of time";
    if (signal !== null) return `it ended by ${signal}`;
    // One that misses a goal may end as one that fails does.
    if (success || !outcomes.every(isReached)) return undefined;
    return "it failed";
  }
}
