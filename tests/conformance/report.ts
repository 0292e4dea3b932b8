import type { Check, Outcome } from "./suite.ts";

/** What a scenario comes to. */
export type Verdict = "passed" | "failed" | "skipped";

/**
 * A scenario in which nothing of its own was checked is neither passed nor
 * failed: that its few messages fit the schema says nothing about its subject.
 */
export function verdict({ checks }: Outcome): Verdict {
  if (count(checks, "FAILURE") > 0) return "failed";
  const own = checks.filter(({ id }) => id !== "wire-schema-valid");
  return count(own, "SUCCESS") > 0 ? "passed" : "skipped";
}

/** A table of all scenarios, the reasons of what did not succeed, and the sum. */
export function report(outcomes: Outcome[]): string {
  const verdicts = outcomes.map(verdict);
  const sum = (which: Verdict) =>
    verdicts.filter((each) => each === which).length;
  const skipped = sum("skipped");
  return [
    ...table(outcomes),
    "",
    ...outcomes.flatMap(remarks),
    `${sum("passed")} passed, ${sum("failed")} failed` +
    (skipped > 0 ? `, ${skipped} skipped` : ""),
  ].join("\n");
}

function table(outcomes: Outcome[]): string[] {
  const width = Math.max(...outcomes.map(({ scenario }) => scenario.length));
  const row = (cells: string[]) =>
    [
      cells[0].padEnd(10),
      cells[1].padEnd(width),
      cells[2].padEnd(7),
      ...cells.slice(3).map((cell) => cell.padStart(8)),
    ].join("  ");
  return [
    row([
      "revision",
      "scenario",
      "",
      "passed",
      "failed",
      "warnings",
      "skipped",
    ]),
    ...outcomes.map((outcome) =>
      row([
        outcome.revision,
        outcome.scenario,
        verdict(outcome),
        ...(["SUCCESS", "FAILURE", "WARNING", "SKIPPED"] as const)
          .map((status) => String(count(outcome.checks, status))),
      ])
    ),
  ];
}

/** Why checks did not succeed, each reason once. */
function remarks({ revision, scenario, checks }: Outcome): string[] {
  const notable = checks.filter(({ status }) =>
    status !== "SUCCESS" && status !== "INFO"
  );
  const reasons = Map.groupBy(
    notable,
    ({ status, errorMessage }) => `${status}: ${errorMessage ?? "no reason"}`,
  );
  if (reasons.size === 0) return [];
  return [
    `${revision} ${scenario}`,
    ...Array.from(
      reasons,
      ([reason, group]) =>
        `  ${reason}\n    (${group.map(({ id }) => id).join(", ")})`,
    ),
    "",
  ];
}

function count(checks: Check[], status: Check["status"]): number {
  return checks.filter((each) => each.status === status).length;
}
