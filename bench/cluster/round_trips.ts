import type { TestRedis } from "../../tests/support/redis.ts";
import { CountingWay } from "../support/counting_way.ts";
import type { Outcome } from "../support/goals.ts";
import { Listener } from "../support/listener.ts";
import { printTable } from "../support/table.ts";
import { BenchClient } from "./client.ts";
import { startReplica } from "./replica.ts";

const COUNT = 300;
/** By then what was said after an answer has been said. */
const SETTLE_MS = 300;

/** What Redis is asked for by each thing that clients do, one after another. */
export async function countRoundTrips(redis: TestRedis): Promise<Outcome[]> {
  using way = new CountingWay(redis.port);
  await using first = await startReplica(way.url);
  // Its own way is not counted: a notice that it hears costs it no command.
  await using second = await startReplica(redis.url);
  using here = new BenchClient(first.port);
  using there = new BenchClient(second.port);
  const echo = { name: "echo", arguments: { data: "hello" } };
  const sessions: string[] = [];
  const adopted: string[] = [];
  const tasks: string[] = [];
  for (let i = 0; i < COUNT; i++) adopted.push(await there.open());
  using _listener = await Listener.open(
    second.port,
    { resourceSubscriptions: ["news://1"] },
    "resources/updated",
  );
  const uri = (i: number) => ({ uri: `news://${i % 100}` });
  const kinds: Record<string, (i: number) => Promise<unknown>> = {
    "a modern call": () => here.call("echo", echo.arguments),
    "a session's beginning": async () => sessions.push(await here.open()),
    "its request": () => here.legacy(sessions[0], "tools/call", echo),
    "its first at another replica": (i) =>
      here.legacy(adopted[i], "tools/call", echo),
    "logging/setLevel": () =>
      here.legacy(sessions[0], "logging/setLevel", { level: "info" }),
    "resources/subscribe": (i) =>
      here.legacy(sessions[0], "resources/subscribe", uri(i)),
    "its DELETE": (i) => here.end(adopted[i]),
    "a notice": () => here.call("change", { uri: "news://1" }),
    "a task, to its end": async () => {
      const answer = await here.call("work");
      tasks.push(/"taskId":"([^"]+)"/.exec(answer)![1]);
    },
    "a task's poll": (i) => here.modern("tasks/get", { taskId: tasks[i] }),
  };
  const rows: (string | number)[][] = [];
  const trips = new Map<string, number>();
  // The connections are there, and the scripts known.
  await here.end(await here.open());
  for (const [kind, act] of Object.entries(kinds)) {
    await act(0);
    await new Promise((go) => setTimeout(go, SETTLE_MS));
    const executedBefore = await executed(redis);
    way.take();
    for (let i = 1; i < COUNT; i++) await act(i);
    await new Promise((go) => setTimeout(go, SETTLE_MS));
    const counts = way.take();
    const each = (count: number) => (count / (COUNT - 1)).toFixed(2);
    trips.set(kind, counts.roundTrips / (COUNT - 1));
    rows.push([
      kind,
      each(counts.roundTrips),
      each(counts.commands),
      each(await executed(redis) - executedBefore),
      Math.round(counts.sentBytes / (COUNT - 1)),
      Math.round(counts.receivedBytes / (COUNT - 1)),
    ]);
  }
  console.log();
  printTable([
    "what Redis is asked for",
    "round trips",
    "commands",
    "executed, PUBLISH not",
    "bytes to it",
    "from it",
  ], rows);
  return [
    {
      name: "round trips of a modern call",
      measured: trips.get("a modern call"),
      atMost: 0.02,
    },
    ...["its request", "logging/setLevel", "resources/subscribe", "its DELETE"]
      .map((kind) => ({
        name: `round trips of a session: ${kind}`,
        measured: trips.get(kind),
        atMost: 2.02,
      })),
  ];
}

/** Commands that Redis has executed, those within scripts too, but for PUBLISH, of which heartbeats are made. */
async function executed(redis: TestRedis): Promise<number> {
  const text = await redis.command("INFO", "commandstats");
  let sum = 0;
  for (
    const [, name, calls] of text.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)
  ) {
    if (name !== "info" && name !== "publish") sum += Number(calls);
  }
  return sum;
}
