/**
 * `deno task conformance`: the official conformance suite against
 * `tests/conformance/server.ts`. Runs every server scenario that the suite has
 * for the two revisions, scored or not, each revision against a server of its
 * own. No failure is expected, so none is excused.
 */
import { Fixture } from "./fixture.ts";
import { report, verdict } from "./report.ts";
import {
  type Outcome,
  runExtension,
  runRequirements,
  serverScenarios,
} from "./suite.ts";

const REVISIONS = ["2025-11-25", "2026-07-28"];

async function onServer(
  run: (url: string) => Promise<Outcome[]>,
): Promise<Outcome[]> {
  await using server = await Fixture.start();
  const outcomes = await run(server.url);
  const log = await server.stop();
  if (outcomes.some((each) => verdict(each) === "failed")) console.error(log);
  return outcomes;
}

/** Scenarios of extensions that belong to no revision. */
async function extensions(): Promise<string[]> {
  const named = await Promise.all(REVISIONS.map(serverScenarios));
  return [
    ...new Set(await serverScenarios()).difference(new Set(named.flat())),
  ];
}

const outcomes = await Promise.all([
  ...REVISIONS.map((revision) =>
    onServer((url) => runRequirements(url, revision))
  ),
  onServer(async (url) => {
    const found: Outcome[] = [];
    for (const scenario of await extensions()) {
      found.push(...await runExtension(url, scenario));
    }
    return found;
  }),
]);

console.log(report(outcomes.flat()));
Deno.exit(outcomes.flat().some((each) => verdict(each) === "failed") ? 1 : 0);
