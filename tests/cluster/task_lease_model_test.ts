import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Bus,
  type BusListener,
  type ClaimedTask,
  type Clock,
  type JsonObject,
  McpServer,
  MemoryTaskStore,
  RefusedError,
  type StoredTask,
  type Task,
  type TaskLease,
  type TaskLeases,
  type TaskStore,
  UnavailableError,
} from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";

/*
 * Three replicas, whole servers, on one clock that stands still until it is moved.
 * What they say to the store and to each other takes its time, overtakes itself and
 * gets lost; replicas stand still for a while, or for good.
 */

const LEASE_MS = 300;
const ENDED = ["completed", "failed", "cancelled"];
const TASKS = { extensions: { "io.modelcontextprotocol/tasks": {} } };

/** What befalls a world, and when. */
interface Fault {
  readonly atMs: number;
  readonly replica: number;
  readonly what: "crash" | "pause" | "cut off" | "close" | "cancel";
  readonly forMs: number;
}

/** Random numbers that are the same each time. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A process: its clock stands still while it does. */
class Machine implements Clock {
  readonly #clock: FakeClock;
  readonly #random: () => number;
  #stopped = false;
  #waiting: (() => void)[] = [];
  cutOff = false;

  constructor(clock: FakeClock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  now(): number {
    return this.#clock.now();
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    const timer = { cleared: false, handle: undefined as unknown };
    timer.handle = this.#clock.setTimeout(
      () => this.run(() => timer.cleared || callback()),
      delayMs,
    );
    return timer;
  }

  clearTimeout(timer: unknown): void {
    if (timer === undefined) return;
    const given = timer as { cleared: boolean; handle: unknown };
    given.cleared = true;
    this.#clock.clearTimeout(given.handle);
  }

  /** Runs something here, once this runs at all. */
  run(callback: () => void): void {
    if (this.#stopped) this.#waiting.push(callback);
    else callback();
  }

  stop(): void {
    this.#stopped = true;
  }

  goOn(): void {
    this.#stopped = false;
    for (const each of this.#waiting.splice(0)) each();
  }

  /** Time that something takes on its way, which need not get there. */
  travel(then: () => void, lost?: () => void): void {
    const fails = this.cutOff || this.#random() < 0.02;
    this.#clock.setTimeout(
      () => fails ? lost?.() : then(),
      Math.floor(this.#random() ** 4 * LEASE_MS / 2),
    );
  }

  /** Does something far from here, and hears of it; or does it, and doesn't hear. */
  far<Result>(deed: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const lost = () =>
        this.run(() => reject(new UnavailableError("the store", "no answer")));
      this.travel(
        () =>
          void deed().then((result) =>
            this.travel(() => this.run(() => resolve(result)), lost)
          ),
        lost,
      );
    });
  }
}

/** The store, and what was done to it. */
class World {
  readonly clock = new FakeClock();
  readonly store = new MemoryTaskStore({ clock: this.clock });
  readonly buses: Map<string, FarBus> = new Map();
  /** Last term in which a task was written, and whether that ended it. */
  readonly #written: Map<string, { term: number; ended: boolean }> = new Map();

  /** What must not happen, and did. */
  readonly faults: string[] = [];

  /** Every write that is taken must be of the last term, and none comes after an end. */
  wrote({ taskId, term }: TaskLease, task: Task): void {
    const last = this.#written.get(taskId);
    if (last?.ended) this.faults.push("a task changed after its end");
    else if (last && term < last.term) this.faults.push("an old owner wrote");
    const ended = ENDED.includes(task.status);
    this.#written.set(taskId, { term, ended });
  }

  ended(taskId: string): void {
    if (this.#written.get(taskId)?.ended) this.faults.push("it ended twice");
    this.#written.set(taskId, { term: Infinity, ended: true });
  }
}

class FarLeases implements TaskLeases {
  readonly version = 1;
  readonly #world: World;
  readonly #machine: Machine;
  readonly #near: TaskLeases;

  constructor(world: World, machine: Machine) {
    this.#world = world;
    this.#machine = machine;
    this.#near = world.store.leases;
  }

  begin(stored: StoredTask, owner: string, ms: number): Promise<TaskLease> {
    return this.#machine.far(() => this.#near.begin(stored, owner, ms));
  }
  renew(lease: TaskLease, ms: number): Promise<boolean> {
    return this.#machine.far(() => this.#near.renew(lease, ms));
  }
  update(lease: TaskLease, task: Task): Promise<boolean> {
    return this.#machine.far(async () => {
      const before = (await this.#world.store.get(lease.taskId))?.task;
      const written = await this.#near.update(lease, task);
      const again = JSON.stringify(before) === JSON.stringify(task);
      if (written && !again) this.#world.wrote(lease, task);
      return written;
    });
  }
  end(task: Task): Promise<boolean> {
    return this.#machine.far(async () => {
      const ended = await this.#near.end(task);
      if (ended) this.#world.ended(task.taskId);
      return ended;
    });
  }
  release(lease: TaskLease): Promise<void> {
    return this.#machine.far(() => this.#near.release(lease));
  }
  claim(owner: string, ms: number, max: number): Promise<ClaimedTask[]> {
    return this.#machine.far(() => this.#near.claim(owner, ms, max));
  }
  owner(taskId: string): Promise<string | undefined> {
    return this.#machine.far(() => this.#near.owner(taskId));
  }
}

class FarBus implements Bus {
  readonly member: string;
  readonly connected = true;
  readonly #world: World;
  readonly #machine: Machine;
  #listener: BusListener | undefined;

  constructor(member: string, world: World, machine: Machine) {
    this.member = member;
    this.#world = world;
    this.#machine = machine;
    world.buses.set(member, this);
  }

  listen(listener: BusListener): void {
    this.#listener = listener;
  }
  ready(): Promise<void> {
    return Promise.resolve();
  }
  broadcast(text: string): Promise<void> {
    for (const each of this.#world.buses.values()) {
      if (each !== this) each.#hear(text, this.member);
    }
    return Promise.resolve();
  }
  send(member: string, text: string): Promise<boolean> {
    const other = this.#world.buses.get(member);
    return this.#machine.far(() => {
      if (other !== undefined) other.#hear(text, this.member);
      return Promise.resolve(other !== undefined);
    });
  }
  #hear(text: string, from: string): void {
    this.#machine.travel(() =>
      this.#machine.run(() => this.#listener?.message(text, from))
    );
  }
  [Symbol.asyncDispose](): Promise<void> {
    this.#world.buses.delete(this.member);
    return Promise.resolve();
  }
}

/** Who works at which task, and whether that was ever two at once. */
class Workers {
  readonly #at: Map<string, Set<string>> = new Map();
  overlaps = 0;
  begun = 0;

  enter(taskId: string, name: string): void {
    const there = this.#at.get(taskId) ?? new Set();
    this.#at.set(taskId, there);
    this.begun++;
    if (there.size > 0) this.overlaps++;
    there.add(name);
  }

  leave(taskId: string, name: string): void {
    this.#at.get(taskId)?.delete(name);
  }

  /** A machine that is gone works at nothing. */
  gone(name: string): void {
    for (const each of this.#at.values()) each.delete(name);
  }
}

function replicaOf(
  name: string,
  machine: Machine,
  world: World,
  workers: Workers,
): McpServer {
  const { store } = world;
  const far: TaskStore = {
    create: (stored) => machine.far(() => store.create(stored)),
    get: (taskId) => machine.far(() => store.get(taskId)),
    update: (task) => machine.far(() => store.update(task)),
    delete: (taskId) => machine.far(() => store.delete(taskId)),
    leases: new FarLeases(world, machine),
  };
  const server = new McpServer({ name: "modelled", version: "1.0.0" }, {
    clock: machine,
    bus: new FarBus(name, world, machine),
    log: () => {},
    tasks: { store: far, leaseMs: LEASE_MS, ttlMs: null },
  });
  for (const restartable of [true, false]) {
    server.registerTool(
      restartable ? "again" : "once",
      restartable ? { restartable, maxAttempts: 4 } : {},
      (ctx) =>
        ctx.runAsTask(({ taskId, signal, status }) => {
          workers.enter(taskId, name);
          let steps = 4;
          return new Promise((resolve, reject) => {
            const end = (ended: () => void) => {
              workers.leave(taskId, name);
              ended();
            };
            const step = () => {
              if (signal.aborted) return;
              if (--steps === 0) return end(() => resolve("done"));
              void status(`${steps} to go`);
              machine.setTimeout(step, LEASE_MS / 2);
            };
            machine.setTimeout(step, LEASE_MS / 2);
            signal.addEventListener("abort", () =>
              end(() => reject(signal.reason)));
          });
        }),
    );
  }
  return server;
}

/** Plays one run; gives what became of the tasks, and of who worked at them. */
async function play(
  seed: number,
  faults: readonly Fault[],
): Promise<{ ends: Task[]; workers: Workers; faults: string[] }> {
  const random = randomOf(seed);
  const world = new World();
  const workers = new Workers();
  const names = ["a", "b", "c"];
  const machines = names.map(() => new Machine(world.clock, random));
  const servers = names.map((name, index) =>
    replicaOf(name, machines[index], world, workers)
  );
  for (const server of servers) await server.call("server/discover");
  const call = (at: number, method: string, params: JsonObject) =>
    servers[at].call(method, params, { capabilities: TASKS });
  const taskIds: string[] = [];
  const dead = new Set<number>();
  const closed = new Map<number, Promise<void>>();
  for (let task = 0; task < 4; task++) {
    call(task % 3, "tools/call", { name: task % 2 ? "once" : "again" })
      // A replica that is about to end begins none.
      .then(({ taskId }) => taskId && taskIds.push(taskId as string))
      .catch((error) => assert.ok(error instanceof RefusedError, error));
  }
  const happen: Record<Fault["what"], (fault: Fault) => void> = {
    crash: ({ replica }) => {
      if (dead.size + closed.size === 2) return;
      dead.add(replica);
      machines[replica].stop();
      world.buses.delete(names[replica]);
      workers.gone(names[replica]);
    },
    pause: ({ replica, forMs }) => {
      machines[replica].stop();
      world.clock.setTimeout(() => {
        if (!dead.has(replica)) machines[replica].goOn();
      }, forMs);
    },
    "cut off": ({ replica, forMs }) => {
      machines[replica].cutOff = true;
      world.clock.setTimeout(() => machines[replica].cutOff = false, forMs);
    },
    close: ({ replica }) => {
      if (dead.has(replica) || dead.size + closed.size === 2) return;
      closed.set(replica, servers[replica].close());
    },
    cancel: ({ replica }) => {
      const [taskId] = taskIds;
      if (taskId === undefined || closed.has(replica)) return;
      call(replica, "tasks/cancel", { taskId })
        .then(async () => {
          const { status } = (await world.store.get(taskId))!.task;
          if (!ENDED.includes(status)) {
            world.faults.push("it was not cancelled");
          }
        }, () => {});
    },
  };
  for (const fault of faults) {
    world.clock.setTimeout(() => happen[fault.what](fault), fault.atMs);
  }
  await world.clock.advance(20 * LEASE_MS);
  const ends = await Promise.all(
    taskIds.map(async (taskId) => (await world.store.get(taskId))!.task),
  );
  // What is dead by now ends as well, so that nothing is left of it.
  for (const machine of machines) {
    machine.cutOff = false;
    machine.goOn();
  }
  const all = servers.map((server, index) =>
    closed.get(index) ?? server.close()
  );
  await world.clock.advance(40 * LEASE_MS);
  await Promise.all(all);
  await world.store[Symbol.asyncDispose]();
  return { ends, workers, faults: world.faults };
}

function faults(...kinds: Fault["what"][]): fc.Arbitrary<Fault[]> {
  return fc.array(
    fc.record({
      atMs: fc.integer({ min: 0, max: 4 * LEASE_MS }),
      replica: fc.integer({ min: 0, max: 2 }),
      what: fc.constantFrom(...kinds),
      forMs: fc.integer({ min: 1, max: 3 * LEASE_MS }),
    }),
    { maxLength: 5 },
  );
}

/** The same jitter each time as well. */
async function seeded(seed: number, run: () => Promise<void>): Promise<void> {
  const { random } = Math;
  Math.random = randomOf(seed + 1);
  try {
    await run();
  } finally {
    Math.random = random;
  }
}

Deno.test("whatever befalls replicas, no old owner writes and every task ends", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      faults("crash", "pause", "cut off", "close", "cancel"),
      (seed, these) =>
        seeded(seed, async () => {
          const { ends, faults } = await play(seed, these);
          assert.deepEqual(faults, []);
          for (const { status } of ends) assert.ok(ENDED.includes(status));
        }),
    ),
    { numRuns: 200 },
  );
});

Deno.test("as long as no replica stands still, no two work at a task at once", async () => {
  let begun = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      faults("crash", "cut off", "close", "cancel"),
      (seed, these) =>
        seeded(seed, async () => {
          const { workers } = await play(seed, these);
          assert.equal(workers.overlaps, 0);
          begun += workers.begun;
        }),
    ),
    { numRuns: 200 },
  );
  // Some were begun more than once, or this has shown nothing.
  assert.ok(begun > 200 * 4);
});
