import assert from "node:assert/strict";
import {
  type Clock,
  MemoryTaskStore,
  type Task,
  type TaskLease,
} from "../../mod.ts";

const LEASE_MS = 10;
const DEPTH = 5;

const TASK: Task = {
  taskId: "t",
  status: "working",
  createdAt: "2026-01-01T00:00:00.000Z",
  lastUpdatedAt: "2026-01-01T00:00:00.000Z",
  ttlMs: null,
  pollIntervalMs: 1,
};

/** One task, and all that may be done to it by replicas that know old leases. */
class World {
  #now = 0;
  /** Nothing waits here: tasks are kept for ever. */
  readonly #clock: Clock = {
    now: () => this.#now,
    setTimeout: () => assert.fail("nothing has a time"),
    clearTimeout: () => {},
  };
  readonly #store = new MemoryTaskStore({ clock: this.#clock });
  /** Every lease that there was, the first first. */
  readonly #known: TaskLease[] = [];
  #term = 1;
  #ended: string | undefined;
  #released = false;
  #until = LEASE_MS;
  #writes = 0;

  async begin(): Promise<void> {
    const { leases } = this.#store;
    this.#known.push(
      await leases.begin({ task: TASK, principal: "" }, "a", LEASE_MS),
    );
  }

  /** A lease by its age: 0 is the newest. */
  #lease(age: number): TaskLease | undefined {
    return this.#known.at(-1 - age);
  }

  /** Tells if a lease is the one that counts. */
  #counts({ term }: TaskLease): boolean {
    return this.#ended === undefined && term === this.#term;
  }

  async renew(age: number): Promise<void> {
    const lease = this.#lease(age);
    if (lease === undefined) return;
    const renewed = await this.#store.leases.renew(lease, LEASE_MS);
    assert.equal(renewed, this.#counts(lease));
    if (renewed) this.#until = this.#now + LEASE_MS;
  }

  async write(age: number, final: boolean): Promise<void> {
    const lease = this.#lease(age);
    if (lease === undefined) return;
    const statusMessage = `write ${++this.#writes}`;
    const task: Task = {
      ...TASK,
      status: final ? "completed" : "working",
      statusMessage,
    };
    const written = await this.#store.leases.update(lease, task);
    assert.equal(written, this.#counts(lease));
    if (written && final) this.#ended = statusMessage;
  }

  async claim(): Promise<void> {
    const [claimed] = await this.#store.leases.claim("b", LEASE_MS, 9);
    const due = this.#ended === undefined &&
      (this.#released || this.#until <= this.#now);
    assert.equal(claimed !== undefined, due);
    if (claimed === undefined) return;
    assert.ok(claimed.lease.term > this.#term);
    this.#term = claimed.lease.term;
    this.#released = false;
    this.#until = this.#now + LEASE_MS;
    this.#known.push(claimed.lease);
  }

  async release(age: number): Promise<void> {
    const lease = this.#lease(age);
    if (lease === undefined) return;
    await this.#store.leases.release(lease);
    if (!this.#counts(lease)) return;
    this.#released = true;
    // No lease counts until it is claimed.
    this.#term += 0.5;
  }

  async end(): Promise<void> {
    const statusMessage = "cancelled";
    const ended = await this.#store.leases.end({
      ...TASK,
      status: "cancelled",
      statusMessage,
    });
    assert.equal(ended, this.#ended === undefined);
    this.#ended ??= statusMessage;
  }

  pass(): Promise<void> {
    this.#now += LEASE_MS / 2;
    return Promise.resolve();
  }

  /** Whatever has happened: it has ended, or somebody gets it. */
  async check(): Promise<void> {
    const stored = await this.#store.get("t");
    if (this.#ended !== undefined) {
      assert.equal(stored!.task.statusMessage, this.#ended);
    }
    this.#now += LEASE_MS;
    await this.claim();
    const { status } = (await this.#store.get("t"))!.task;
    assert.equal(status === "working", this.#ended === undefined);
  }
}

const STEPS: readonly ((world: World) => Promise<void>)[] = [
  (world) => world.pass(),
  (world) => world.claim(),
  (world) => world.end(),
  ...[0, 1].flatMap((age) => [
    (world: World) => world.renew(age),
    (world: World) => world.write(age, false),
    (world: World) => world.write(age, true),
    (world: World) => world.release(age),
  ]),
];

/** Every way in which so many steps can follow each other. */
function* orders(depth: number): Generator<number[]> {
  const total = STEPS.length ** depth;
  for (let order = 0; order < total; order++) {
    const steps: number[] = [];
    for (let rest = order, i = 0; i < depth; i++) {
      steps.push(rest % STEPS.length);
      rest = Math.floor(rest / STEPS.length);
    }
    yield steps;
  }
}

Deno.test("in whatever order replicas do what they may, one lease counts and an end stays", async () => {
  for (const order of orders(DEPTH)) {
    const world = new World();
    await world.begin();
    try {
      for (const step of order) await STEPS[step](world);
      await world.check();
    } catch (error) {
      throw new Error(`after the steps ${order}`, { cause: error });
    }
  }
});
