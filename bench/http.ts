/**
 * `deno task bench:http`: requests per second and per server CPU-second of
 * Sluice and its peers. Within a group every server stays up and gets a short
 * slice of load in turn, for several rounds, in rotated order. Servers run on
 * core 0, `wrk` on core 1. A ratio is the median of the rounds' ratios; the
 * one of requests per server CPU-second counts. A server that had well under
 * 100 % of its core shared it with something else: take such a run with care.
 *
 *     deno task bench:http --only echo,progress --rounds 9
 *
 * `--only` names groups; `--list` shows them. Exits with 1 when a goal is
 * missed or a server fails.
 */
import { parseArgs } from "node:util";
import { requireCommands } from "./support/commands.ts";
import {
  type HttpComparison,
  httpGroups,
  targetsOf,
} from "./support/http_groups.ts";
import { HttpRun } from "./support/http_run.ts";
import type { HttpSubject, Sample } from "./support/http_subject.ts";
import { httpTargets } from "./support/http_targets.ts";
import { isReached, judge, type Outcome } from "./support/goals.ts";
import { median } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: Object.keys(httpGroups).join() },
    seconds: { type: "string", default: "1" },
    rounds: { type: "string", default: "11" },
    connections: { type: "string", default: "32" },
    "warm-up": { type: "string", default: "25" },
    list: { type: "boolean", default: false },
  },
});

if (options.list) printGroups();
else Deno.exitCode = await main() ? 0 : 1;

/** Measures group after group, and tells whether every goal was reached. */
async function main(): Promise<boolean> {
  await requireCommands("wrk", "taskset");
  const names = options.only.split(",");
  const unknown = names.filter((name) => !(name in httpGroups));
  if (unknown.length > 0) {
    console.error(`no such group: ${unknown}`);
    return false;
  }
  let good = true;
  for (const name of names) {
    good = await measureGroup(httpGroups[name]) && good;
    console.log();
  }
  return good;
}

async function measureGroup(comparisons: HttpComparison[]): Promise<boolean> {
  await using run = new HttpRun();
  await run.run(targetsOf(comparisons), {
    connections: Number(options.connections),
    seconds: Number(options.seconds),
    rounds: Number(options.rounds),
    warmUpSeconds: Number(options["warm-up"]),
  });
  printFigures(run.subjects);
  console.log();
  const reached = printRatios(comparisons, run);
  for (const [id, message] of run.failures) console.error(`${id}: ${message}`);
  return reached && run.failures.size === 0;
}

function printFigures(subjects: Map<string, HttpSubject>): void {
  const rows = [...subjects.values()].map(({ target, samples }) => {
    const perSecond = median(samples.map((s) => s.perSecond));
    const perCpuSecond = median(samples.map((s) => s.perCpuSecond));
    return [
      target.label,
      Math.round(perSecond),
      Math.round(perCpuSecond),
      Math.round(1e7 / perCpuSecond) / 10,
      Math.round(100 * perSecond / perCpuSecond),
    ];
  });
  printTable(
    ["server", "requests/s", "per CPU-s", "CPU µs each", "% of core"],
    rows,
  );
}

function printRatios(comparisons: HttpComparison[], run: HttpRun): boolean {
  let allReached = true;
  const rows = comparisons.map((comparison) => {
    const { subject, against, atLeast } = comparison;
    const name = `${httpTargets[subject].label} / ${
      httpTargets[against].label
    }`;
    const failed = run.failures.has(subject) || run.failures.has(against);
    const byCpu = failed
      ? undefined
      : ratioOf(comparison, run.subjects, "perCpuSecond");
    const outcome: Outcome = { name, measured: byCpu, atLeast };
    const [goal, reached] = judge(outcome);
    if (byCpu === undefined) return [name, "", "", goal, "failed"];
    allReached &&= isReached(outcome);
    const byRate = ratioOf(comparison, run.subjects, "perSecond");
    return [name, byCpu.toFixed(2), byRate.toFixed(2), goal, reached];
  });
  printTable(["ratio", "by CPU", "by rate", "goal", "reached"], rows);
  return allReached;
}

/** The median of the rounds' ratios. */
function ratioOf(
  { subject, against }: HttpComparison,
  subjects: Map<string, HttpSubject>,
  figure: keyof Sample,
): number {
  const under = subjects.get(against)!.samples;
  return median(
    subjects.get(subject)!.samples.map((sample, round) =>
      sample[figure] / under[round][figure]
    ),
  );
}

function printGroups(): void {
  printTable(
    ["group", "servers"],
    Object.entries(httpGroups).map(([name, comparisons]) => [
      name,
      targetsOf(comparisons).map((id) => httpTargets[id].label).join("; "),
    ]),
  );
}
