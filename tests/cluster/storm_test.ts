import assert from "node:assert/strict";
import type { Bus } from "../../mod.ts";
import { Cluster } from "../../src/cluster/cluster.ts";
import { ProcessLink } from "../../src/cluster/process_link.ts";
import { WorkerBus } from "../../src/cluster/worker_bus.ts";
import { WorkerHub } from "../../src/cluster/worker_hub.ts";
import { ClusterNotices } from "../../src/server/changes/cluster_notices.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A bus that takes what is said when it is told to. */
class SlowBus implements Bus {
  readonly member = "slow";
  readonly connected = true;
  readonly said: string[] = [];
  #taking = Promise.withResolvers<void>();

  listen(): void {}

  ready(): Promise<void> {
    return Promise.resolve();
  }

  broadcast(text: string): Promise<void> {
    this.said.push(text);
    return this.#taking.promise;
  }

  async send(): Promise<boolean> {
    return await Promise.resolve(false);
  }

  take(): void {
    this.#taking.resolve();
    this.#taking = Promise.withResolvers();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

Deno.test("changes that come faster than they are taken wait, each of a kind once", async () => {
  const clock = new FakeClock();
  const log = { debug() {}, info() {}, warning() {}, error() {} };
  const bus = new SlowBus();
  const cluster = new Cluster(bus, { clock, log });
  const notices = new ClusterNotices({ cluster, clock });
  const change = (uri: string) => notices.relay({ of: "resource", uri });
  for (let i = 0; i < 50_000; i++) change("thing://1");
  change("thing://2");
  assert.equal(bus.said.length, 10_000);
  bus.take();
  await clock.advance(200);
  const later = bus.said.slice(10_000).map((text) => JSON.parse(text).body.uri);
  assert.deepEqual(later, ["thing://1", "thing://2"]);
  change("thing://3");
  assert.equal(bus.said.length, 10_003);
  bus.take();
  await notices[Symbol.asyncDispose]();
});

Deno.test("a worker that is behind is cut off, and told once it comes to that", async () => {
  const hub = new WorkerHub();
  const held: (() => void)[] = [];
  let holding = false;
  const [one, other] = ["one", "other"].map((name) => {
    const worker: ProcessLink = new ProcessLink((message) =>
      queueMicrotask(() => end.take(message))
    );
    const end: ProcessLink = new ProcessLink((message) => {
      const deliver = () => worker.take(message);
      if (holding && name === "other") held.push(deliver);
      else queueMicrotask(deliver);
    });
    hub.connect(end);
    return new WorkerBus(worker, "test");
  });
  const heard: string[] = [];
  other.listen({
    message: (text) => void heard.push(text),
    gap: () => void heard.push("gap"),
  });
  await Promise.all([one.ready(), other.ready()]);
  holding = true;
  for (let i = 0; i < 30_000; i++) await one.broadcast(String(i));
  assert.equal(held.length, 10_001);
  assert.equal(await one.send(other.member, "to you"), true);
  holding = false;
  for (const deliver of held.splice(0)) deliver();
  await eventually(() => heard.at(-1) === "to you");
  await one.broadcast("again");
  await eventually(() => heard.at(-1) === "again");
  assert.equal(heard.length, 10_003);
  assert.deepEqual(heard.slice(-4), ["9999", "gap", "to you", "again"]);
});
