import assert from "node:assert/strict";
import type {
  ClaimedTask,
  StoredTask,
  Task,
  TaskLeases,
  TaskStore,
} from "../../mod.ts";
import { eventually } from "../support/eventually.ts";

const LEASE_MS = 60_000;

let made = 0;

function newTask(change: Partial<Task> = {}): Task {
  return {
    taskId: `task-${++made}`,
    status: "working",
    createdAt: "2026-01-01T00:00:00.000Z",
    lastUpdatedAt: "2026-01-01T00:00:00.000Z",
    ttlMs: 60_000,
    pollIntervalMs: 1_000,
    ...change,
  };
}

function stored(task: Task = newTask()): StoredTask {
  return {
    task,
    principal: 'one "é"\n',
    scopes: ["a", "b"],
    restart: {
      method: "tools/call",
      params: { name: "job", arguments: { n: 1 } },
      authInfo: { clientId: "one", scopes: ["a", "b"] },
      maxAttempts: 2,
    },
  };
}

function done(task: Task, words = "done"): Task {
  const content = [{ type: "text", text: words }];
  return { ...task, status: "completed", result: { content } };
}

/** Claims one task, of which others may be due as well. */
async function claimed(
  leases: TaskLeases,
  taskId: string,
  owner: string,
  leaseMs = LEASE_MS,
): Promise<ClaimedTask | undefined> {
  const all = await leases.claim(owner, leaseMs, 100);
  return all.find(({ lease }) => lease.taskId === taskId);
}

async function wait(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** What every store of tasks with leases must do. */
export function taskStoreContract(
  name: string,
  make: () => TaskStore & { readonly leases: TaskLeases },
): [string, () => Promise<void>][] {
  return [
    [
      `${name}: a task is found as it was kept, updated, until it is deleted`,
      async () => {
        const store = make();
        const first = stored();
        const { task } = first;
        assert.equal(await store.get(task.taskId), undefined);
        await store.create(first);
        assert.deepEqual(await store.get(task.taskId), first);
        const later = done(task);
        await store.update(later);
        assert.deepEqual(await store.get(task.taskId), {
          ...first,
          task: later,
        });
        await store.delete(task.taskId);
        assert.equal(await store.get(task.taskId), undefined);
        await store.update(later);
        assert.equal(await store.get(task.taskId), undefined);
        await store.delete(task.taskId);
      },
    ],
    [
      `${name}: a task is forgotten after its time, one without never`,
      async () => {
        const store = make();
        const short = stored(newTask({ ttlMs: 600 }));
        const endless = stored(newTask({ ttlMs: null }));
        const { leases } = store;
        const lease = await leases.begin(short, "a", LEASE_MS);
        await leases.begin(endless, "a", LEASE_MS);
        assert.equal(await leases.update(lease, done(short.task)), true);
        assert.deepEqual(
          (await store.get(lease.taskId))?.task,
          done(short.task),
        );
        await eventually(async () =>
          await store.get(lease.taskId) === undefined
        );
        assert.deepEqual(await store.get(endless.task.taskId), endless);
        assert.equal(await leases.update(lease, done(short.task)), false);
        assert.equal(await leases.renew(lease, LEASE_MS), false);
        assert.equal(await leases.end(done(short.task)), false);
        await store.delete(endless.task.taskId);
      },
    ],
    [
      `${name}: a task that is begun has an owner, and nobody claims it`,
      async () => {
        const store = make();
        const { leases } = store;
        const first = stored();
        const { task } = first;
        const lease = await leases.begin(first, "a", LEASE_MS);
        assert.deepEqual(lease, { taskId: task.taskId, term: 1 });
        assert.deepEqual(await store.get(task.taskId), first);
        assert.equal(await leases.owner(task.taskId), "a");
        assert.equal(await leases.owner("none"), undefined);
        assert.equal(await claimed(leases, task.taskId, "b"), undefined);
        const asked = { ...task, status: "input_required" as const };
        assert.equal(await leases.update(lease, asked), true);
        assert.deepEqual((await store.get(task.taskId))?.task, asked);
        assert.equal(await leases.renew(lease, LEASE_MS), true);
        await store.delete(task.taskId);
        assert.equal(await leases.renew(lease, LEASE_MS), false);
        assert.equal(await leases.owner(task.taskId), undefined);
      },
    ],
    [
      `${name}: a final state ends the lease; only the same is taken again`,
      async () => {
        const store = make();
        const { leases } = store;
        const first = stored();
        const { task } = first;
        const lease = await leases.begin(first, "a", 1);
        assert.equal(await leases.update(lease, done(task)), true);
        assert.equal(await leases.update(lease, done(task)), true);
        assert.equal(await leases.update(lease, done(task, "else")), false);
        assert.equal(await leases.renew(lease, LEASE_MS), false);
        assert.equal(await leases.end(done(task, "else")), false);
        assert.equal(await leases.owner(task.taskId), undefined);
        await leases.release(lease);
        await wait(20);
        assert.equal(await claimed(leases, task.taskId, "b"), undefined);
        assert.deepEqual((await store.get(task.taskId))?.task, done(task));
        await store.delete(task.taskId);
      },
    ],
    [
      `${name}: a lease that runs out is claimed once, and its holder is fenced off`,
      async () => {
        const store = make();
        const { leases } = store;
        const first = stored();
        const { task } = first;
        const old = await leases.begin(first, "a", 50);
        await wait(60);
        const claims = await Promise.all(
          ["b", "c", "d"].map((owner) => claimed(leases, task.taskId, owner)),
        );
        const [claim, ...others] = claims.filter((each) => each !== undefined);
        assert.deepEqual(others, []);
        assert.deepEqual(claim.stored, first);
        assert.equal(claim.attempt, 2);
        assert.ok(claim.lease.term > old.term);
        assert.ok(claim.leftMs! > 0 && claim.leftMs! < 60_000);
        assert.equal(await leases.update(old, done(task, "old")), false);
        assert.equal(await leases.renew(old, LEASE_MS), false);
        await leases.release(old);
        assert.equal(await claimed(leases, task.taskId, "e"), undefined);
        assert.equal(await leases.update(claim.lease, done(task, "new")), true);
        assert.deepEqual(
          (await store.get(task.taskId))?.task,
          done(task, "new"),
        );
        await store.delete(task.taskId);
      },
    ],
    [
      `${name}: an orphan is found behind any number of tasks that are renewed`,
      async () => {
        const store = make();
        const { leases } = store;
        const renewed = await Promise.all(
          Array.from({ length: 5 }, () => leases.begin(stored(), "a", 20)),
        );
        const { taskId } = await leases.begin(stored(), "dead", 20);
        await wait(40);
        for (const each of renewed) await leases.renew(each, LEASE_MS);
        const found = new Set<string>();
        for (;;) {
          const claims = await leases.claim("b", LEASE_MS, 2);
          for (const { lease } of claims) found.add(lease.taskId);
          if (claims.length === 0) break;
        }
        assert.ok(found.has(taskId));
        for (const id of [taskId, ...renewed.map(({ taskId }) => taskId)]) {
          await store.delete(id);
        }
      },
    ],
    [
      `${name}: a lease that ran out is renewed if nobody has claimed it`,
      async () => {
        const store = make();
        const { leases } = store;
        const first = stored(newTask({ ttlMs: null }));
        const lease = await leases.begin(first, "a", 10);
        await wait(30);
        assert.equal(await leases.renew(lease, LEASE_MS), true);
        assert.equal(await claimed(leases, lease.taskId, "b"), undefined);
        assert.equal(await leases.renew(lease, 10), true);
        await wait(30);
        // What was renewed is looked at again, if only once its longest time is over.
        await leases.release(lease);
        const claim = await claimed(leases, lease.taskId, "b");
        assert.equal(claim?.leftMs, null);
        await store.delete(lease.taskId);
      },
    ],
    [
      `${name}: a lease that is given up is claimed at once, and is no attempt`,
      async () => {
        const store = make();
        const { leases } = store;
        const first = stored();
        const lease = await leases.begin(first, "a", LEASE_MS);
        await leases.release(lease);
        assert.equal(await leases.owner(lease.taskId), undefined);
        assert.equal(await leases.update(lease, done(first.task)), false);
        const claim = await claimed(leases, lease.taskId, "b", 50);
        assert.equal(claim?.attempt, 1);
        assert.equal(await leases.owner(lease.taskId), "b");
        await eventually(async () => {
          const next = await claimed(leases, lease.taskId, "c");
          return next?.attempt === 2;
        });
        await store.delete(lease.taskId);
      },
    ],
    [`${name}: an unfinished task can be ended, whoever has it`, async () => {
      const store = make();
      const { leases } = store;
      const first = stored();
      const { task } = first;
      const lease = await leases.begin(first, "a", LEASE_MS);
      const cancelled = { ...task, status: "cancelled" as const };
      assert.equal(await leases.end(cancelled), true);
      assert.equal(await leases.end(cancelled), false);
      assert.equal(await leases.update(lease, done(task)), false);
      assert.equal(await leases.renew(lease, LEASE_MS), false);
      assert.deepEqual((await store.get(task.taskId))?.task, cancelled);
      const released = await leases.begin(stored(), "a", LEASE_MS);
      await leases.release(released);
      const { task: second } = (await store.get(released.taskId))!;
      assert.equal(await leases.end(done(second)), true);
      assert.equal(await claimed(leases, second.taskId, "b"), undefined);
      await store.delete(task.taskId);
      await store.delete(second.taskId);
    }],
    [`${name}: no more are claimed than are asked for`, async () => {
      const store = make();
      const { leases } = store;
      const these = [stored(), stored(), stored()];
      for (const each of these) await leases.begin(each, "a", 0);
      await wait(5);
      const first = await leases.claim("b", LEASE_MS, 2);
      const rest = await leases.claim("c", LEASE_MS, 2);
      assert.equal(first.length, 2);
      assert.equal(rest.length, 1);
      for (const { task } of these) await store.delete(task.taskId);
    }],
    [`${name}: what a newer release keeps with a task stays`, async () => {
      const store = make();
      const { leases } = store;
      const newer = {
        ...stored(newTask({ later: { a: 1 } } as Partial<Task>)),
        priority: "high",
      };
      const lease = await leases.begin(newer, "a", 10);
      await wait(30);
      const claim = (await claimed(leases, lease.taskId, "b"))!;
      assert.deepEqual(claim.stored, newer);
      const { task } = claim.stored;
      assert.equal(await leases.update(claim.lease, done(task)), true);
      assert.deepEqual(await store.get(lease.taskId), {
        ...newer,
        task: done(newer.task),
      });
      await store.delete(lease.taskId);
    }],
  ];
}
