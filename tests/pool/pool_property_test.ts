import assert from "node:assert/strict";
import fc from "fast-check";
import { sleep } from "../../src/base/abort.ts";
import type { Lease } from "../../src/pool/lease.ts";
import { Pool } from "../../src/pool/pool.ts";
import { FakeClock } from "../support/fake_clock.ts";

type Fault = "none" | "slow" | "throws" | "hangs";
type Step =
  | { do: "acquire"; abortAfterMs?: number }
  | { do: "release" | "discard" | "evict"; which: number }
  | { do: "advance"; ms: number }
  | { do: "break"; create: Fault; destroy: Fault; validate: Fault };

const MAX = 3;
const destroyTimeoutMs = 60;
const fault = fc.constantFrom<Fault>("none", "none", "slow", "throws", "hangs");
const which = fc.nat(10);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("acquire" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("acquire" as const),
      abortAfterMs: fc.nat(80),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("release" as const), which }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("discard" as const, "evict" as const),
      which,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("advance" as const),
      ms: fc.nat(120),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("break" as const),
      create: fault,
      destroy: fault,
      validate: fault,
    }),
  },
);

/** A world of items that checks at every step what a pool promises of them. */
class World {
  readonly clock = new FakeClock();
  readonly faults: { create: Fault; destroy: Fault; validate: Fault } = {
    create: "none",
    destroy: "none",
    validate: "none",
  };
  readonly leases: Lease<number>[] = [];
  readonly lent = new Set<number>();
  /** Handed to the pool in time, and not gone yet. */
  readonly alive = new Set<number>();
  readonly made = new Set<number>();
  readonly destroyed = new Set<number>();
  /** What went wrong where nobody could throw it. */
  readonly complaints: string[] = [];
  /** Acquires that have not been answered. */
  open = 0;
  #next = 0;

  readonly pool: Pool<number> = new Pool<number>({
    clock: this.clock,
    random: () => 0.5,
    log: { warn: () => {} },
    min: 1,
    max: MAX,
    maxUses: 4,
    maxIdleMs: 90,
    maxLifetimeMs: 400,
    acquireTimeoutMs: 160,
    createTimeoutMs: 60,
    destroyTimeoutMs,
    validateTimeoutMs: 60,
    heldWarningMs: 100,
    create: async ({ signal }) => {
      await this.#suffer(this.faults.create);
      const item = this.#next++;
      this.made.add(item);
      if (!signal.aborted) this.alive.add(item);
      this.#expect(this.alive.size <= MAX, "more items than max");
      return item;
    },
    destroy: async (item) => {
      this.#expect(!this.destroyed.has(item), "destroyed twice");
      this.#expect(!this.lent.has(item), "destroyed in use");
      this.destroyed.add(item);
      try {
        const gone = this.#suffer(this.faults.destroy);
        await Promise.race([
          gone,
          sleep(destroyTimeoutMs - 1, { clock: this.clock }),
        ]);
      } finally {
        this.alive.delete(item);
      }
    },
    validate: async () => {
      await this.#suffer(this.faults.validate);
      return true;
    },
  });

  #expect(condition: boolean, complaint: string): void {
    if (!condition) this.complaints.push(complaint);
  }

  async #suffer(fault: Fault): Promise<void> {
    if (fault === "slow") await sleep(20, { clock: this.clock });
    if (fault === "throws") throw new Error("broken");
    if (fault === "hangs") await sleep(300, { clock: this.clock });
  }

  acquire(signal?: AbortSignal): void {
    this.open++;
    this.pool.acquire({ signal }).then((lease) => {
      const item = lease.value;
      this.#expect(!this.lent.has(item), "lent twice");
      this.#expect(!this.destroyed.has(item), "lent when destroyed");
      this.lent.add(item);
      this.leases.push(lease);
    }, () => {}).finally(() => this.open--);
  }

  end(how: "release" | "discard", which: number): void {
    if (this.leases.length === 0) return;
    const [lease] = this.leases.splice(which % this.leases.length, 1);
    this.lent.delete(lease.value);
    lease[how]();
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case "acquire": {
        const controller = new AbortController();
        this.acquire(controller.signal);
        if (step.abortAfterMs !== undefined) {
          this.clock.setTimeout(() => controller.abort(), step.abortAfterMs);
        }
        break;
      }
      case "evict":
        this.pool.evict(step.which);
        break;
      case "advance":
        await this.clock.advance(step.ms);
        break;
      case "break":
        Object.assign(this.faults, step);
        break;
      default:
        this.end(step.do, step.which);
    }
    await this.clock.advance(0);
    assert.deepEqual(this.complaints, []);
    const { size, inUse, idle } = this.pool.stats;
    assert.equal(inUse, this.lent.size);
    assert.ok(inUse + idle <= MAX);
    assert.ok(size >= inUse + idle);
  }
}

Deno.test("under random schedules and faults the pool keeps max and loses nothing", () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
      const world = new World();
      for (const step of steps) await world.run(step);
      await checkNothingLost(world);
    }),
    { numRuns: 300 },
  ));

/** All well again, as many callers as items get theirs; after close none is left. */
async function checkNothingLost(world: World): Promise<void> {
  const { pool, clock, faults } = world;
  Object.assign(faults, { create: "none", destroy: "none", validate: "none" });
  while (world.leases.length > 0) world.end("release", 0);
  await clock.advance(5_000);
  while (world.leases.length > 0) world.end("release", 0);
  await clock.advance(0);
  assert.equal(world.open, 0, "everybody has been answered");

  for (let caller = 0; caller < MAX; caller++) world.acquire();
  await clock.advance(0);
  assert.equal(world.leases.length, MAX, "all places can be used");
  while (world.leases.length > 0) world.end("release", 0);

  await pool.close();
  await clock.advance(1_000);
  assert.deepEqual(world.complaints, []);
  assert.deepEqual(world.destroyed, world.made);
  assert.equal(pool.stats.size, 0);
  assert.equal(clock.pending, 0);
}
