/**
 * `deno task bench:work`: three tools that ask an HTTP API and Redis, as servers
 * do, on Sluice and on its peers, each built and started by its own script. The
 * server has core 0; the load, the API and Redis have core 1. 50 users make
 * visits (`work/visit.ts`), every answer is checked (`work/contract.ts`), and all
 * servers are up at once and get short slices of load in turn, each after a
 * lead-in that doesn't count (`--lead-in`, in seconds). What counts is
 * requests per second of the server's CPU; a ratio is the median of the rounds'
 * ratios to the first server in the same mode. A server well under 100 % of its
 * core waited for the load, or shared its core with something else.
 *
 *     deno task bench:work --only fetch,pool,go --modes modern --rounds 9
 *     deno task bench:work --markdown      # the table for bench/RESULTS.md
 *     deno task bench:work --build         # only builds the peers; tests/bench then tests them too
 *
 * A peer whose toolchain or registry is missing is named and left out. Exits with 1 when a
 * goal is missed or an answer was wrong.
 */
import { parseArgs } from "node:util";
import { requireCommands } from "./support/commands.ts";
import { isReached, judge } from "./support/goals.ts";
import { loadCore, pinSelf } from "./support/pinning.ts";
import { median, percentile } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";
import type { WorkMode } from "./work/visit.ts";
import { WorkRun, type WorkSubject } from "./work/work_run.ts";
import { buildWorkServer, workServers } from "./work/work_servers.ts";

const modeNames: Record<WorkMode, string> = {
  modern: "2026-07-28",
  stateless: "2025, stateless",
  sessions: "2025, sessions",
};

/** The least that HttpPool must reach, in requests per CPU-second. */
const goals: { against: string; atLeast: number }[] = [
  { against: "fetch", atLeast: 0.95 },
  { against: "go", atLeast: 1.3 },
  { against: "rust", atLeast: 1 },
  { against: "node_v1", atLeast: 15 },
  { against: "python_fastmcp", atLeast: 25 },
];

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: Object.keys(workServers).join() },
    modes: { type: "string", default: Object.keys(modeNames).join() },
    users: { type: "string", default: "50" },
    "lead-in": { type: "string", default: "2" },
    seconds: { type: "string", default: "1" },
    rounds: { type: "string", default: "7" },
    "warm-up": { type: "string", default: "4" },
    build: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
  },
});

const ids = checkedNames("server", options.only, workServers);
const modes = checkedNames("mode", options.modes, modeNames);
Deno.exitCode = await (options.build ? build() : measure()) ? 0 : 1;

async function build(): Promise<boolean> {
  let good = true;
  for (const server of ids.map((id) => workServers[id])) {
    console.log(`building ${server.label}`);
    await buildWorkServer(server).catch((error) => {
      console.error(`${server.label}: ${error.message}`);
      good = false;
    });
  }
  return good;
}

async function measure(): Promise<boolean> {
  await requireCommands("taskset");
  await pinSelf(loadCore);
  await using run = new WorkRun({
    users: Number(options.users),
    leadInSeconds: Number(options["lead-in"]),
    seconds: Number(options.seconds),
    rounds: Number(options.rounds),
    warmUpSeconds: Number(options["warm-up"]),
  }, show);
  await run.run(
    Object.fromEntries(ids.map((id) => [id, workServers[id]])),
    modes,
  );
  return report(run.subjects);
}

function report(subjects: WorkSubject[]): boolean {
  const measured = subjects.filter(({ samples }) => samples.length > 0);
  printTable(
    ["server", "mode", "req/s", "p50 ms", "p99 ms", "req/CPU-s", "ratio"]
      .concat(["% of core", "RSS MB", "errors"]),
    measured.map((subject) => figuresOf(subject, measured)),
    options.markdown,
  );
  console.log();
  const reached = printGoals(measured);
  for (const { server, mode, errors, failure } of subjects) {
    if (failure === undefined) continue;
    const what = errors > 0 ? `${errors} wrong answers, the first` : "left out";
    console.error(`${server.label}, ${mode}: ${what}: ${failure}`);
  }
  return reached && measured.every(({ errors }) => errors === 0);
}

function figuresOf(
  subject: WorkSubject,
  all: WorkSubject[],
): (string | number)[] {
  const { server, mode, samples, rssBytes, errors } = subject;
  const base = all.find((other) => other.mode === mode)!;
  const latencies = samples.flatMap((sample) => sample.latencies);
  const perSecond = median(samples.map((sample) => sample.perSecond));
  const perCpuSecond = median(samples.map((sample) => sample.perCpuSecond));
  return [
    server.label,
    modeNames[mode],
    Math.round(perSecond),
    percentile(latencies, 0.5).toFixed(1),
    percentile(latencies, 0.99).toFixed(1),
    Math.round(perCpuSecond),
    ratioOf(subject, base).toFixed(2),
    Math.round(100 * perSecond / perCpuSecond),
    Math.round(rssBytes / 1e6),
    errors,
  ];
}

/** The median of the ratios of the rounds that both took part in. */
function ratioOf(subject: WorkSubject, against: WorkSubject): number {
  const rounds = Math.min(subject.samples.length, against.samples.length);
  return median(
    subject.samples.slice(0, rounds).map(({ perCpuSecond }, round) =>
      perCpuSecond / against.samples[round].perCpuSecond
    ),
  );
}

function printGoals(measured: WorkSubject[]): boolean {
  let allReached = true;
  const rows = modes.flatMap((mode) => {
    const here = measured.filter((subject) => subject.mode === mode);
    const pool = here.find(({ id }) => id === "pool");
    return goals.flatMap(({ against, atLeast }) => {
      const other = here.find(({ id }) => id === against);
      if (pool === undefined || other === undefined) return [];
      const name = `${pool.server.label} / ${other.server.label}`;
      const measured = ratioOf(pool, other);
      const outcome = {
        name: `${name}, ${modeNames[mode]}`,
        measured,
        atLeast,
      };
      allReached &&= isReached(outcome);
      return [[name, modeNames[mode], measured.toFixed(2), ...judge(outcome)]];
    });
  });
  printTable(
    ["ratio", "mode", "by CPU", "goal", "reached"],
    rows,
    options.markdown,
  );
  return allReached;
}

function checkedNames<T extends string>(
  what: string,
  given: string,
  known: Record<T, unknown>,
): T[] {
  const names = given.split(",");
  const unknown = names.filter((name) => !(name in known));
  if (unknown.length > 0) {
    console.error(
      `no such ${what}: ${unknown}; there are ${Object.keys(known)}`,
    );
    Deno.exit(1);
  }
  return (Object.keys(known) as T[]).filter((name) => names.includes(name));
}

/** Shows where the run is: on a terminal in one line. */
function show(step: string): void {
  if (!Deno.stderr.isTerminal()) return;
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${step}`));
}
