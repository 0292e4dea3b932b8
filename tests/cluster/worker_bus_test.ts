import assert from "node:assert/strict";
import {
  MemorySessionStore,
  MemoryTaskStore,
  RefusedError,
  type StoredTask,
  type TaskStore,
} from "../../mod.ts";
import { ProcessLink } from "../../src/cluster/process_link.ts";
import { remoteStore } from "../../src/cluster/remote_store.ts";
import { TimelyLink } from "../../src/cluster/timely_link.ts";
import { WorkerBus } from "../../src/cluster/worker_bus.ts";
import { WorkerHub } from "../../src/cluster/worker_hub.ts";
import { refuseAsThere } from "../../src/host/workers/this_worker.ts";
import type { SessionStore } from "../../src/server/sessions/session_store.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { busContract } from "./bus_contract.ts";

/** Two ends of a channel, over which all goes as JSON and later, in order. */
function linked(): [ProcessLink, ProcessLink] {
  const one: ProcessLink = new ProcessLink(sendTo(() => other));
  const other: ProcessLink = new ProcessLink(sendTo(() => one));
  return [one, other];
}

function sendTo(end: () => ProcessLink): (message: object) => void {
  return (message) => {
    const text = JSON.stringify(message);
    queueMicrotask(() => end().take(JSON.parse(text)));
  };
}

const shared = new WorkerHub();
const contract = busContract("workers", () => {
  const [worker, supervisor] = linked();
  shared.connect(supervisor);
  return Promise.resolve(new WorkerBus(worker, "test"));
});
for (const [name, run] of contract) Deno.test(name, run);

Deno.test("workers: servers of several names don't hear each other", async () => {
  const hub = new WorkerHub();
  const [worker, supervisor] = linked();
  hub.connect(supervisor);
  const heard: string[] = [];
  const [one, alike, other] = ["a", "a", "b"].map((server, i) => {
    const bus = new WorkerBus(worker, server);
    bus.listen({ message: (text) => heard.push(`${i} ${text}`), gap() {} });
    return bus;
  });
  await Promise.all([one.ready(), alike.ready(), other.ready()]);
  await one.broadcast("to all");
  assert.equal(await one.send(other.member, "to b"), false);
  assert.equal(await one.send(alike.member, "to a"), true);
  await eventually(() => heard.length === 2);
  assert.deepEqual(heard, ["1 to all", "1 to a"]);
});

Deno.test("workers: what a process was member of goes with it, and it hears that nobody is there", async () => {
  const hub = new WorkerHub();
  const [worker, supervisor] = linked();
  const forget = hub.connect(supervisor);
  const gone = new WorkerBus(worker, "test");
  await gone.ready();
  const [lasting, end] = linked();
  hub.connect(end);
  const bus = new WorkerBus(lasting, "test");
  await bus.ready();
  assert.equal(await bus.send(gone.member, "there?"), true);
  forget();
  assert.equal(await bus.send(gone.member, "there?"), false);

  const unanswered = bus.broadcast("…");
  lasting.close();
  assert.equal(bus.connected, false);
  for (const each of [unanswered, bus.broadcast("more")]) {
    await assert.rejects(each, { name: "UnavailableError" });
  }
});

Deno.test("a store of the supervisor's is one for all workers; errors come through", async () => {
  await using sessions = new MemorySessionStore();
  const hub = new WorkerHub({ sessions: () => sessions });
  const [one, other] = [linked(), linked()].map(([worker, supervisor]) => {
    hub.connect(supervisor);
    return remoteStore<SessionStore>(worker, "test", "sessions");
  });
  const session = {
    v: 1,
    principal: "ada",
    home: "1",
    revision: "2025-11-25",
    capabilities: {},
  } as const;
  await one.create("id", session, 10_000);
  await other.follow("id", "thing://1");
  assert.deepEqual(await other.use("id", 10_000), session);
  assert.deepEqual(await one.followed("id"), ["thing://1"]);
  await other.delete("id");
  assert.equal(await one.use("id", 10_000), undefined);

  const [worker, supervisor] = linked();
  hub.connect(supervisor);
  const failing = remoteStore<SessionStore>(worker, "test", "failing");
  await assert.rejects(
    failing.followed("id"),
    /the supervisor holds no failing/,
  );
});

Deno.test("a supervisor that doesn't answer is unavailable after a second, and serves again when it does", async () => {
  const clock = new FakeClock();
  const held: (() => void)[] = [];
  const worker: ProcessLink = new ProcessLink((message) =>
    held.push(() => supervisor.take(message))
  );
  const supervisor = new ProcessLink((message) => worker.take(message));
  new WorkerHub({ sessions: () => new MemorySessionStore() })
    .connect(supervisor);
  const store = remoteStore<SessionStore>(
    new TimelyLink(worker, clock),
    "test",
    "sessions",
  );
  const waiting = store.followed("id");
  await clock.advance(999);
  assert.equal(await Promise.race([waiting, "nothing"]), "nothing");
  const refused = assert.rejects(waiting, {
    name: "UnavailableError",
    message: /the supervisor can't be reached: an answer took longer/,
  });
  await clock.advance(1);
  await refused;
  const later = store.followed("id");
  for (const deliver of held) deliver();
  assert.deepEqual(await later, []);
  await clock.advance(1_000);
  assert.equal(clock.pending, 0);
});

Deno.test("what a store of the supervisor's refuses is a refusal in its workers", async () => {
  await using tasks = new MemoryTaskStore({ maxTasks: 1 });
  const hub = new WorkerHub({ tasks: () => tasks });
  const [worker, supervisor] = linked();
  hub.connect(supervisor);
  const store = remoteStore<TaskStore>(
    { ask: (...asked) => worker.ask(...asked).catch(refuseAsThere) },
    "test",
    "tasks",
  );
  const task = (taskId: string): StoredTask => ({
    principal: taskId,
    task: {
      ...{ taskId, status: "working", ttlMs: null, pollIntervalMs: 1_000 },
      ...{ createdAt: "", lastUpdatedAt: "" },
    },
  });
  await store.create(task("one"));
  await assert.rejects(store.create(task("another")), (error) => {
    assert.ok(error instanceof RefusedError);
    assert.deepEqual(error.data, {
      reason: "caller_share",
      retryAfterMs: 1_000,
    });
    return error.status === 429;
  });
});
