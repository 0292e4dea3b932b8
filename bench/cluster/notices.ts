import type { TestRedis } from "../../tests/support/redis.ts";
import type { Outcome } from "../support/goals.ts";
import { Listener, openMany, type Wanted } from "../support/listener.ts";
import { ServerProcess } from "../support/server_process.ts";
import { median, percentile, rotated } from "../support/statistics.ts";
import { printTable } from "../support/table.ts";
import { BenchClient } from "./client.ts";
import { startReplica } from "./replica.ts";

const UPDATED = "notifications/resources/updated";
const LIST_CHANGED = "notifications/tools/list_changed";
const SINGLE_NOTICES = 500;
const BARE = { script: "peers/bare_notices.ts" };
const PER_SECOND = 100;
const WARM_UP = 3;
/** How often the listeners of one way make room for those of the other, and come back. */
const TURNS = 2;
/** By then whatever was said twice has come twice. */
const SETTLE_MS = 2_000;

/** How many listen, for how long, and how often all of them are told. */
export interface NoticeLoad {
  readonly listeners: number;
  readonly seconds: number;
  readonly rounds: number;
}

/** What listeners on two replicas hear, and when. */
export async function measureNotices(
  redis: TestRedis,
  load: NoticeLoad,
): Promise<Outcome[]> {
  await using first = await startReplica(redis.url);
  await using second = await startReplica(redis.url);
  const replicas = [first, second];
  const one = await oneAfterAnother(first, second);
  const own = await ownResources(replicas, load);
  const all = await changeForAll(replicas, load);
  return [...one, ...own, ...all];
}

/** From sending the call that makes a change to hearing of it on another replica. */
async function oneAfterAnother(
  from: ServerProcess,
  to: ServerProcess,
): Promise<Outcome[]> {
  let heard = Promise.withResolvers<void>();
  using _listener = await Listener.open(
    to.port,
    { resourceSubscriptions: ["news://one"] },
    UPDATED,
    () => heard.resolve(),
  );
  using client = new BenchClient(from.port);
  const took: number[] = [];
  for (let i = -50; i < SINGLE_NOTICES; i++) {
    heard = Promise.withResolvers();
    const begun = performance.now();
    await Promise.all([
      client.call("change", { uri: "news://one" }),
      heard.promise,
    ]);
    if (i >= 0) took.push(performance.now() - begun);
  }
  return [
    {
      name: "a notice at another replica, with its call, median ms",
      measured: median(took),
      atMost: 10,
    },
  ];
}

/** Changes one after another, each of which one listener waits for at the other replica. */
async function ownResources(
  replicas: readonly ServerProcess[],
  { listeners: count, seconds }: NoticeLoad,
): Promise<Outcome[]> {
  const changedAt = new Map<number, number>();
  const took: number[] = [];
  using opened = await listenEverywhere(
    replicas,
    count,
    UPDATED,
    (index) => ({ resourceSubscriptions: [`news://${index}`] }),
    (index) => took.push(performance.now() - changedAt.get(index)!),
  );
  const changes = PER_SECOND * seconds;
  using clients = new DisposableStack();
  const idle = replicas.map((): BenchClient[] => []);
  const change = async (index: number) => {
    const at = (index + 1) % replicas.length;
    const client = idle[at].pop() ??
      clients.use(new BenchClient(replicas[at].port));
    changedAt.set(index, performance.now());
    await client.call("change", { uri: `news://${index}` });
    idle[at].push(client);
  };
  const begun = performance.now();
  const underWay: Promise<void>[] = [];
  // A step that shares no divisor with the count reaches others each time.
  const step = 7_919;
  while (underWay.length < changes) {
    const due = (performance.now() - begun) / 1_000 * PER_SECOND;
    while (underWay.length < Math.min(due, changes)) {
      underWay.push(change((underWay.length * step) % count));
    }
    await new Promise((go) => setTimeout(go, 1));
  }
  await Promise.all(underWay);
  await new Promise((go) => setTimeout(go, SETTLE_MS));
  const wrong =
    opened.listeners.filter(({ heard }, index) =>
      heard !== (changedAt.has(index) ? 1 : 0)
    ).length;
  console.log();
  printTable(
    ["listeners", "changes", "heard", "p50 ms", "p99 ms", "lost or twice"],
    [[
      count,
      changes,
      took.length,
      percentile(took, 0.5).toFixed(1),
      percentile(took, 0.99).toFixed(1),
      wrong,
    ]],
  );
  return [
    { name: `lost or twice of ${changes} changes`, measured: wrong, atMost: 0 },
  ];
}

/** A change that all hear, against as many frames that as many bare servers write. */
async function changeForAll(
  replicas: readonly ServerProcess[],
  { listeners: count, rounds }: NoticeLoad,
): Promise<Outcome[]> {
  await using first = await ServerProcess.start(BARE);
  await using second = await ServerProcess.start(BARE);
  const bare = [first, second];
  using client = new BenchClient(replicas[0].port);
  const ours: Way = {
    servers: replicas,
    wanted: { toolsListChanged: true },
    tell: () => client.call("change_all"),
    took: [],
  };
  const floor: Way = {
    servers: bare,
    wanted: {},
    acknowledged: ": open",
    tell: () =>
      Promise.all(bare.map(async ({ port }) => {
        await (await fetch(`http://127.0.0.1:${port}/`)).text();
      })),
    took: [],
  };
  // The listeners of both at once would be more than a process may have.
  for (let turn = 0; turn < TURNS; turn++) {
    for (const way of rotated([ours, floor], turn)) {
      await tellAll(way, count, Math.ceil(rounds / TURNS));
    }
  }
  const typical = ({ took }: Way, of: keyof Took) =>
    median(took.map((each) => each[of]));
  const row = (name: string, way: Way) => [
    name,
    typical(way, "ms").toFixed(1),
    typical(way, "cpuMs").toFixed(1),
  ];
  console.log();
  printTable([`a change that ${count} hear`, "ms to the last", "CPU ms"], [
    row("two replicas", ours),
    row("two bare servers, the frames alone", floor),
  ]);
  const ratio = (of: keyof Took) => typical(ours, of) / typical(floor, of);
  return [
    {
      name: "a change for all, time / writing the frames",
      measured: ratio("ms"),
      atMost: 1.2,
    },
    {
      name: "a change for all, CPU / writing the frames",
      measured: ratio("cpuMs"),
    },
  ];
}

/** What one change took. */
interface Took {
  readonly ms: number;
  readonly cpuMs: number;
}

/** One way to tell all. */
interface Way {
  readonly servers: readonly ServerProcess[];
  readonly wanted: Wanted;
  readonly acknowledged?: string;
  tell(): Promise<unknown>;
  readonly took: Took[];
}

async function tellAll(
  { servers, wanted, acknowledged, tell, took }: Way,
  count: number,
  rounds: number,
): Promise<void> {
  let left = 0;
  let all = Promise.withResolvers<void>();
  using _opened = await listenEverywhere(
    servers,
    count,
    LIST_CHANGED,
    () => wanted,
    () => {
      if (--left === 0) all.resolve();
    },
    acknowledged,
  );
  const cpuMs = () =>
    servers.reduce((sum, server) => sum + server.threadCpuMs(), 0);
  for (let round = -WARM_UP; round < rounds; round++) {
    left = count;
    all = Promise.withResolvers();
    const [cpuBefore, begun] = [cpuMs(), performance.now()];
    await Promise.all([tell(), all.promise]);
    const ms = performance.now() - begun;
    if (round >= 0) took.push({ ms, cpuMs: cpuMs() - cpuBefore });
  }
}

/** Listeners spread evenly over servers. */
async function listenEverywhere(
  servers: readonly ServerProcess[],
  count: number,
  frame: string,
  wanted: (index: number) => Wanted,
  onHeard: (index: number) => void,
  acknowledged?: string,
): Promise<{ listeners: Listener[] } & Disposable> {
  const listeners = await openMany(count, (index) =>
    Listener.open(
      servers[index % servers.length].port,
      wanted(index),
      frame,
      () => onHeard(index),
      acknowledged,
    ));
  return {
    listeners,
    [Symbol.dispose]: () => {
      for (const each of listeners) each[Symbol.dispose]();
    },
  };
}
