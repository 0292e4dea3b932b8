import { eventually } from "../support/eventually.ts";
import { ChangeWatch } from "./change_watch.ts";
import { Fleet } from "./fleet.ts";
import { MixedLoad } from "./mixed_load.ts";

/** What came of a run. */
export interface RunReport {
  readonly calls: number;
  readonly right: number;
  readonly failed: Readonly<Record<string, number>>;
  readonly wrong: readonly string[];
  readonly recorded: number;
  /** Things that were done less or more than once. */
  readonly miscounted: number;
  readonly changes: number;
  readonly streams: number;
  /** Changes that a subscriber heard too seldom or too often. */
  readonly misheard: readonly string[];
}

/** Clients of each sort. */
const CLIENTS = 6;

/** Runs clients of every sort while something happens to the fleet. */
export async function runWhile(
  fleet: Fleet,
  happens: (load: MixedLoad) => Promise<void>,
  clients = CLIENTS,
): Promise<RunReport> {
  const load = new MixedLoad(fleet.url, fleet.ledger);
  const watch = new ChangeWatch(fleet.url);
  const watching = (["modern", "modern", "legacy", "legacy"] as const)
    .map((era) => watch.watch(era));
  const changing = watch.change(100);
  const running = Array.from({ length: clients }, () => [
    load.run("v1", "legacy"),
    load.run("v2", "legacy"),
    load.run("v2", "modern"),
  ]).flat();
  // The load is the calls of clients that are there: who has yet to connect gives up.
  await Promise.race([
    eventually(() => load.connected === running.length, 30_000),
    Promise.all(running),
  ]);
  await happens(load);
  load.stop();
  await Promise.all(running);
  const misheard = await watch.stop();
  await Promise.all([...watching, changing]);
  const { right, failed, wrong, recorded } = load.result;
  return {
    calls: load.calls,
    right,
    failed: Object.fromEntries(failed),
    wrong,
    recorded: recorded.length,
    miscounted: await load.miscounted(),
    changes: watch.changes,
    streams: watch.streams,
    misheard,
  };
}

/** Kills one replica after another until so many calls have been made. */
export function killing(
  fleet: Fleet,
  calls: number,
  everyMs = 3_000,
): (load: MixedLoad) => Promise<void> {
  return async (load) => {
    for (let turn = 0; load.calls < calls; turn++) {
      await new Promise((go) => setTimeout(go, everyMs));
      await fleet.restart(turn % fleet.size, "SIGKILL");
    }
  };
}

/** Ends one replica after another in good order, and starts each again. */
export function rolling(fleet: Fleet): () => Promise<void> {
  return async () => {
    for (let index = 0; index < fleet.size; index++) {
      await fleet.restart(index, "SIGTERM");
    }
  };
}

/** `deno run -A tests/fault/replicas.ts --calls 100000`: the long run. */
if (import.meta.main) {
  const at = Deno.args.indexOf("--calls");
  const calls = at < 0 ? 100_000 : Number(Deno.args[at + 1]);
  await using fleet = await Fleet.start();
  const startedAt = performance.now();
  const report = await runWhile(fleet, killing(fleet, calls));
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  console.log(JSON.stringify({ seconds, ...report }, null, 2));
}
