import assert from "node:assert/strict";
import {
  McpServer,
  MemoryTaskStore,
  type StoredTask,
  type Task,
} from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import { ask, CAPABILITIES_KEY } from "../transport/wire.ts";

let tasks = 0;

function taskOf(principal: string): StoredTask {
  const now = new Date(0).toISOString();
  return {
    principal,
    task: {
      taskId: `${principal} ${++tasks}`,
      status: "working",
      createdAt: now,
      lastUpdatedAt: now,
      ttlMs: null,
      pollIntervalMs: 1_000,
    },
  };
}

async function begun(store: MemoryTaskStore, principal: string): Promise<Task> {
  const stored = taskOf(principal);
  await store.create(stored);
  return stored.task;
}

async function finished(
  store: MemoryTaskStore,
  principal: string,
  text = "done",
): Promise<string> {
  const task = await begun(store, principal);
  await store.update({ ...task, status: "completed", result: { text } });
  return task.taskId;
}

Deno.test("finished tasks give way first, and those of whoever has many", async () => {
  await using store = new MemoryTaskStore({ maxTasks: 100 });
  const kept = await finished(store, "ada");
  for (let n = 0; n < 1_000; n++) await finished(store, "eve");
  assert.equal(store.size, 100);
  assert.equal((await store.get(kept))?.task.status, "completed");
  for (let n = 0; n < 40; n++) await begun(store, "ada");
  assert.equal(store.size, 100);
});

Deno.test("who has many tasks at work leaves room for others", async () => {
  await using store = new MemoryTaskStore({ maxTasks: 100 });
  const refusal = { message: /there is no room for another task/ };
  let taken = 0;
  await assert.rejects(async () => {
    for (;; taken++) await begun(store, "eve");
  }, refusal);
  assert.equal(taken, 50);
  for (const other of ["ada", "bob", "cid"]) await begun(store, other);
});

Deno.test("results have room for so many bytes, the oldest of many go first", async () => {
  await using store = new MemoryTaskStore({ maxBytes: 100_000 });
  const own = await finished(store, "ada", "x".repeat(1_000));
  let last = "";
  for (let n = 0; n < 100; n++) {
    last = await finished(store, "eve", "x".repeat(10_000));
  }
  assert(store.size < 12);
  assert.equal((await store.get(own))?.task.status, "completed");
  assert.equal((await store.get(last))?.task.status, "completed");
  const tooLarge = await finished(store, "ada", "x".repeat(200_000));
  assert.match(
    (await store.get(tooLarge))!.task.error!.message,
    /^The task has 200\d+ bytes, and 100000 are kept$/,
  );
});

Deno.test("a flood of short tasks keeps nobody else's out", async () => {
  await using server = new McpServer({ name: "tasks", version: "1.0.0" }, {
    tasks: { store: new MemoryTaskStore({ maxTasks: 20 }) },
    log: () => {},
  });
  server.registerTool("short", {}, (ctx) => ctx.runAsTask(() => "done"));
  const call = async (clientId: string) => {
    const { body } = await ask(server, "tools/call", {
      name: "short",
      _meta: {
        [CAPABILITIES_KEY]: {
          extensions: { "io.modelcontextprotocol/tasks": {} },
        },
      },
    }, { authInfo: { token: "", clientId, scopes: [] } });
    await eventually(() => server.stats.tasks === 0);
    return body.result?.status;
  };
  for (let n = 0; n < 50; n++) assert.equal(await call("eve"), "working");
  assert.equal(await call("ada"), "working");
});
