import assert from "node:assert/strict";
import {
  inputRequired,
  InvalidOptionError,
  type JsonObject,
  type LogRecord,
  McpServer,
  type McpServerOptions,
  MemoryBusHub,
  MemoryTaskStore,
  RefusedError,
  type StoredTask,
  type Task,
  type TaskRestart,
  type TaskRun,
} from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";

const LEASE_MS = 30_000;
const CAPABILITIES = {
  elicitation: {},
  extensions: { "io.modelcontextprotocol/tasks": {} },
};
const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": CAPABILITIES,
};
const ANN = { clientId: "ann", scopes: ["do"], extra: { tenant: "t" } };

/** A replica, and a store in which others may have left tasks. */
async function replica(options: McpServerOptions = {}) {
  const clock = new FakeClock();
  const store = new MemoryTaskStore({ clock });
  const hub = new MemoryBusHub();
  const log: LogRecord[] = [];
  const join = async (more: McpServerOptions = {}) => {
    const server = new McpServer({ name: "tasks", version: "1.0.0" }, {
      clock,
      bus: hub.join(),
      log: (record) => log.push(record),
      tasks: { store, leaseMs: LEASE_MS },
      ...options,
      ...more,
    });
    await server.call("server/discover");
    return server;
  };
  const server = await join();
  /** A task whose replica died just now; gives what became of it. */
  const leave = async (
    restart?: Partial<TaskRestart>,
    change: Partial<StoredTask> = {},
  ) => {
    const task: Task = {
      taskId: crypto.randomUUID(),
      status: "working",
      createdAt: "2026-01-01T00:00:00.000Z",
      lastUpdatedAt: "2026-01-01T00:00:00.000Z",
      ttlMs: null,
      pollIntervalMs: 1_000,
      ...change.task,
    };
    const { taskId } = task;
    await store.leases.begin(
      {
        principal: "ann",
        ...(restart && {
          restart: {
            method: "tools/call",
            params: { name: "job", arguments: { n: 1 }, _meta: META },
            authInfo: ANN,
            maxAttempts: 2,
            ...restart,
          },
        }),
        ...change,
        task,
      },
      "a replica that died",
      LEASE_MS,
    );
    return { taskId, state: async () => (await store.get(taskId))!.task };
  };
  /** Lets a lease run out, and a search come by. */
  const pass = () => clock.advance(LEASE_MS + LEASE_MS / 2);
  return { clock, store, server, log, leave, pass, join };
}

function content(text: string): JsonObject {
  return { content: [{ type: "text", text }] };
}

Deno.test("a task whose replica is gone fails and says why; followers hear of it", async () => {
  const { server, leave, pass, log } = await replica();
  const { taskId, state } = await leave(undefined, { principal: "" });
  const heard: JsonObject[] = [];
  const controller = new AbortController();
  const listening = server.call("subscriptions/listen", {
    notifications: { taskIds: [taskId] },
  }, {
    capabilities: CAPABILITIES,
    signal: controller.signal,
    onNotification: ({ params }) => heard.push(params!),
  }).catch(() => {});
  await pass();
  const { status, statusMessage, error } = await state();
  assert.equal(status, "failed");
  assert.equal(statusMessage, "the replica that ran it is gone");
  assert.deepEqual(error, {
    code: -32603,
    message: "The task failed: the replica that ran it is gone",
  });
  assert.equal(heard.length, 2);
  assert.equal(heard[1].status, "failed");
  assert.deepEqual(log.map(({ message }) => message), [
    "a task has failed: the replica that ran it is gone",
  ]);
  controller.abort();
  await listening;
  await server.close();
});

Deno.test("a restartable task is run again, for the same caller, without the token", async () => {
  const { server, leave, pass } = await replica();
  let seen: unknown;
  server.registerTool("job", {
    restartable: true,
    scopes: ["do"],
    inputSchema: { type: "object", properties: { n: { type: "integer" } } },
  }, (args, ctx) =>
    ctx.runAsTask((task) => {
      seen = {
        args,
        id: ctx.caller?.id,
        claims: ctx.caller?.claims,
        token: ctx.authInfo?.token,
        taskId: task.taskId,
      };
      return "done again";
    }));
  const { taskId, state } = await leave({});
  await pass();
  assert.deepEqual(seen, {
    args: { n: 1 },
    id: "ann",
    claims: { tenant: "t" },
    token: "",
    taskId,
  });
  const { status, result } = await state();
  assert.equal(status, "completed");
  assert.deepEqual(result, content("done again"));
  await server.close();
});

Deno.test("what a tool keeps of its call is enough to make it again", async () => {
  const { server, pass, store, clock } = await replica();
  const seen: unknown[] = [];
  const work = (task: TaskRun, what: unknown) => {
    seen.push(what);
    return seen.length > 1
      ? "done"
      : new Promise((_, reject) =>
        task.signal.addEventListener("abort", () => reject(task.signal.reason))
      );
  };
  server.registerTool("job", {
    restartable: true,
    inputSchema: { type: "object", properties: { n: { type: "integer" } } },
  }, (args, ctx) => ctx.runAsTask((task) => work(task, args)));
  const { taskId } = await server.call("tools/call", {
    name: "job",
    arguments: { n: 5 },
  }, {
    capabilities: CAPABILITIES,
    authInfo: {
      ...ANN,
      token: "secret",
      resource: new URL("https://example.com/mcp"),
    },
  });
  const kept = (await store.get(taskId as string))!;
  assert.equal(JSON.stringify(kept).includes("secret"), false);
  assert.equal(kept.restart?.maxAttempts, 3);
  // Its lease goes to somebody who dies at once.
  const { renew } = store.leases;
  store.leases.renew = () => Promise.reject(new Error("cut off"));
  await clock.advance(LEASE_MS);
  store.leases.renew = renew;
  await pass();
  assert.deepEqual(seen, [{ n: 5 }, { n: 5 }]);
  assert.deepEqual(
    (await store.get(taskId as string))!.task.result,
    content("done"),
  );
  await server.close();
});

Deno.test("a key that names a task by its call does not keep it from being run again", async () => {
  const { server, pass, store, clock } = await replica();
  let begun = 0;
  server.registerTool(
    "job",
    {
      restartable: true,
      idempotent: { ttlMs: 3_600_000 },
    },
    (ctx) =>
      ctx.runAsTask(({ signal }) =>
        ++begun > 1
          ? "done"
          : new Promise((_, reject) =>
            signal.addEventListener("abort", () => reject(signal.reason))
          )
      ),
  );
  const call = async () =>
    (await server.call("tools/call", {
      name: "job",
      _meta: { "io.sluice/idempotency-key": "k" },
    }, { capabilities: CAPABILITIES })).taskId as string;
  const taskId = await call();
  const { renew } = store.leases;
  store.leases.renew = () => Promise.reject(new Error("cut off"));
  await clock.advance(LEASE_MS);
  store.leases.renew = renew;
  await pass();
  assert.equal(begun, 2);
  assert.deepEqual((await store.get(taskId))!.task.result, content("done"));
  assert.equal(await call(), taskId);
  await server.close();
});

Deno.test("a task is run again no more often than its tool allows", async () => {
  const { server, leave, pass, store } = await replica();
  let begun = 0;
  server.registerTool(
    "job",
    { restartable: true },
    (ctx) =>
      ctx.runAsTask(({ signal }) => {
        begun++;
        return new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason))
        );
      }),
  );
  store.leases.renew = () => Promise.reject(new Error("cut off"));
  const { state } = await leave({ maxAttempts: 3 });
  await pass();
  assert.equal(begun, 1);
  assert.equal((await state()).statusMessage, "attempt 2: it is run again");
  await pass();
  assert.equal(begun, 2);
  await pass();
  assert.equal(begun, 2);
  const { status, statusMessage } = await state();
  assert.equal(status, "failed");
  assert.equal(
    statusMessage,
    "the replica that ran it is gone, and it was the last of 3 attempts",
  );
  await server.close();
});

for (
  const [what, tool, restart, expected] of [
    [
      "the caller's scopes",
      { scopes: ["more"] },
      {},
      { status: "failed", code: -32003 },
    ],
    [
      "the author's predicate",
      { allow: () => false },
      {},
      { status: "failed", code: -32004 },
    ],
    [
      "the arguments",
      { inputSchema: { type: "object", required: ["m"] } },
      {},
      { status: "completed", isError: true },
    ],
    [
      "who the caller is",
      {},
      { authInfo: { ...ANN, clientId: "bob" } },
      { status: "failed", code: -32603 },
    ],
  ] as const
) {
  Deno.test(`running a task again looks at ${what} as the call did`, async () => {
    const { server, leave, pass } = await replica();
    let begun = 0;
    server.registerTool(
      "job",
      { restartable: true, ...tool } as never,
      ((...given: { runAsTask(work: () => void): unknown }[]) =>
        given.at(-1)!.runAsTask(() => void begun++)) as never,
    );
    const { state } = await leave(restart as never);
    await pass();
    const { status, error, result } = await state();
    assert.equal(begun, 0);
    assert.equal(status, expected.status);
    if ("code" in expected) assert.equal(error?.code, expected.code);
    else assert.equal(result?.isError, true);
    await server.close();
  });
}

Deno.test("a tool that is unknown here is left to a replica that has it", async () => {
  const { server, leave, pass, join, log } = await replica();
  const { state } = await leave({ maxAttempts: 5 });
  await pass();
  assert.equal((await state()).status, "working");
  assert.ok(
    log.some(({ message }) =>
      message === "a task can't be run again here: no such tool"
    ),
  );
  const other = await join();
  for (const each of [server, other]) {
    each.registerTool(
      "job",
      { restartable: true },
      (ctx) => ctx.runAsTask(() => "had it"),
    );
  }
  await pass();
  assert.deepEqual((await state()).result, content("had it"));
  await Promise.all([server.close(), other.close()]);
});

Deno.test("a refusal is no outcome: the task is tried again later", async () => {
  const { server, leave, pass } = await replica();
  let called = 0;
  server.registerTool("job", { restartable: true }, (ctx) => {
    if (++called === 1) throw new RefusedError("overloaded", 1_000);
    return ctx.runAsTask(() => "at last");
  });
  const { state } = await leave({ maxAttempts: 3 });
  await pass();
  assert.equal((await state()).status, "working");
  await pass();
  assert.deepEqual((await state()).result, content("at last"));
  await server.close();
});

Deno.test("a call that doesn't go on as a task when it is made again is the outcome itself", async () => {
  const { server, leave, pass } = await replica();
  server.registerTool("job", { restartable: true }, () => "at once");
  server.registerTool("asks", { restartable: true }, () =>
    inputRequired({
      inputRequests: {
        sure: inputRequired.elicit({
          message: "?",
          requestedSchema: { type: "object", properties: {} },
        }),
      },
    }));
  const direct = await leave({});
  const asks = await leave({ params: { name: "asks", _meta: META } });
  await pass();
  const { status, result } = await direct.state();
  assert.equal(status, "completed");
  assert.deepEqual((result as JsonObject).content, content("at once").content);
  // What is asked is signed first, which takes real time.
  await eventually(async () => (await asks.state()).status === "failed");
  const { error } = await asks.state();
  assert.match(error!.message, /asks before it goes on as a task/);
  await server.close();
});

Deno.test("what an earlier attempt asked is not taken for what a later one asks", async () => {
  const { server, leave, pass } = await replica();
  server.registerTool(
    "job",
    { restartable: true },
    (ctx) =>
      ctx.runAsTask(async (task) => {
        const { action } = await task.elicit({
          message: "?",
          requestedSchema: { type: "object", properties: {} },
        });
        return action;
      }),
  );
  const { taskId, state } = await leave({}, {
    task: {
      status: "input_required",
      inputRequests: { "elicit-1": { method: "elicitation/create" } },
    } as unknown as Task,
  });
  await pass();
  const { status, inputRequests } = await state();
  assert.equal(status, "input_required");
  const keys = Object.keys(inputRequests!);
  assert.equal(keys.length, 1);
  assert.notEqual(keys[0], "elicit-1");
  const answer = (key: string) =>
    server.call("tasks/update", {
      taskId,
      inputResponses: { [key]: { action: "decline" } },
    }, {
      capabilities: CAPABILITIES,
      authInfo: { ...ANN, token: "t" },
    });
  await answer("elicit-1");
  assert.equal((await state()).status, "input_required");
  await answer(keys[0]);
  await pass();
  assert.deepEqual((await state()).result, content("decline"));
  await server.close();
});

Deno.test("a task that is cancelled while its call is made again stays cancelled", async () => {
  const { server, leave, pass, log } = await replica();
  let aborted = false;
  let begun = 0;
  const config = { restartable: true, slowMs: Infinity };
  server.registerTool("job", config, async (ctx) => {
    await new Promise<void>((resolve) =>
      ctx.signal.addEventListener("abort", () => {
        aborted = true;
        resolve();
      })
    );
    return await ctx.runAsTask(() => void begun++);
  });
  const { taskId, state } = await leave({});
  await pass();
  await server.call("tasks/cancel", { taskId }, {
    capabilities: CAPABILITIES,
    authInfo: { ...ANN, token: "t" },
  });
  await pass();
  assert.equal(aborted, true);
  assert.equal(begun, 0);
  assert.equal((await state()).status, "cancelled");
  assert.deepEqual(
    log.filter(({ level }) => level !== "info").map(({ message }) => message),
    [],
  );
  await server.close();
});

Deno.test("an answer to a task that nobody runs now is refused, not lost; to cancel it succeeds", async () => {
  const { server, leave, store } = await replica();
  const { taskId, state } = await leave();
  const call = (method: string) =>
    server.call(method, { taskId, inputResponses: { "elicit-1": {} } }, {
      capabilities: CAPABILITIES,
      authInfo: { ...ANN, token: "t" },
    });
  await assert.rejects(call("tasks/update"), RefusedError);
  await store.leases.release({ taskId, term: 1 });
  await assert.rejects(call("tasks/update"), RefusedError);
  await call("tasks/cancel");
  assert.equal((await state()).status, "cancelled");
  await call("tasks/update");
  await server.close();
});

Deno.test("without a bus, what another process would have to do is refused as well", async () => {
  const store = new MemoryTaskStore();
  const server = new McpServer({ name: "one", version: "1.0.0" }, {
    log: () => {},
    tasks: { store: withoutLeases(store) },
  });
  const task: Task = {
    taskId: "elsewhere",
    status: "working",
    createdAt: "2026-01-01T00:00:00.000Z",
    lastUpdatedAt: "2026-01-01T00:00:00.000Z",
    ttlMs: null,
    pollIntervalMs: 1_000,
  };
  await store.create({ task, principal: "" });
  for (const method of ["tasks/update", "tasks/cancel"]) {
    await assert.rejects(
      server.call(method, { taskId: "elsewhere", inputResponses: {} }, {
        capabilities: CAPABILITIES,
      }),
      RefusedError,
    );
  }
  await server.close();
});

Deno.test("a store of the author's that has no leases works with a bus, too", async () => {
  const clock = new FakeClock();
  const server = new McpServer({ name: "one", version: "1.0.0" }, {
    clock,
    log: () => {},
    bus: new MemoryBusHub().join(),
    tasks: { store: withoutLeases(new MemoryTaskStore({ clock })) },
  });
  server.registerTool(
    "job",
    { restartable: true },
    (ctx) => ctx.runAsTask(() => "done"),
  );
  const { taskId } = await server.call("tools/call", { name: "job" }, {
    capabilities: CAPABILITIES,
  });
  await clock.advance(1);
  const { status } = await server.call("tasks/get", { taskId }, {
    capabilities: CAPABILITIES,
  });
  assert.equal(status, "completed");
  await server.close();
  assert.equal(clock.pending, 1); // the task's own time, in the author's store
});

function withoutLeases(store: MemoryTaskStore) {
  return {
    create: (stored: StoredTask) => store.create(stored),
    get: (taskId: string) => store.get(taskId),
    update: (task: Task) => store.update(task),
    delete: (taskId: string) => store.delete(taskId),
  };
}

Deno.test("wrong options are refused, and named", () => {
  const server = new McpServer({ name: "one", version: "1.0.0" });
  const register = (config: object) =>
    server.registerTool("job", config, () => "x");
  for (
    const [config, message] of [
      [{ restartable: 1 }, /tool job: restartable/],
      [{ restartable: true, maxAttempts: 0 }, /tool job: maxAttempts/],
      [{ maxAttempts: 2 }, /maxAttempts is for tools that are restartable/],
      [{
        restartable: true,
        cache: {},
        annotations: { readOnlyHint: true },
      }, /restartable or cache/],
    ] as const
  ) {
    assert.throws(() => register(config), (error: Error) => {
      assert.ok(error instanceof InvalidOptionError);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.throws(
    () =>
      new McpServer({ name: "one", version: "1.0.0" }, {
        tasks: { leaseMs: 0 },
      }),
    /tasks\.leaseMs/,
  );
});
