import assert from "node:assert/strict";
import {
  type JsonObject,
  McpServer,
  type McpServerOptions,
  MemoryBusHub,
  MemoryTaskStore,
  type TaskRun,
} from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";

const TASKS = {
  elicitation: {},
  extensions: { "io.modelcontextprotocol/tasks": {} },
};
const QUESTION = {
  message: "Sure?",
  requestedSchema: {
    type: "object" as const,
    properties: { sure: { type: "boolean" as const } },
  },
};
const YES = { action: "accept", content: { sure: true } };
const LEASE_MS = 1_000;

/** One of several that are the same server; `release` ends its tool's work. */
class Replica {
  readonly server: McpServer;
  readonly logged: string[] = [];
  readonly name: string;
  /** How often the work was begun here, and what it saw. */
  readonly begun: JsonObject[] = [];
  aborted = 0;
  #release: (() => void)[] = [];

  constructor(name: string, options: McpServerOptions) {
    this.name = name;
    this.server = new McpServer({ name: "shared", version: "1.0.0" }, {
      log: ({ message }) => this.logged.push(message),
      health: { cacheMs: 0 },
      ...options,
      tasks: { leaseMs: LEASE_MS, ...options.tasks },
    });
    this.server.registerTool(
      "ask",
      {},
      (ctx) =>
        ctx.runAsTask(async (task) => {
          const { action } = await task.elicit(QUESTION);
          return `${name} heard ${action}`;
        }),
    );
    this.server.registerTool(
      "wait",
      {},
      (ctx) => ctx.runAsTask((task) => this.#work(task)),
    );
    this.server.registerTool("again", {
      restartable: true,
      inputSchema: { type: "object", properties: { n: { type: "integer" } } },
    }, (args, ctx) =>
      ctx.runAsTask(async (task) => {
        this.begun.push({ ...args as JsonObject, caller: ctx.caller?.id });
        await this.#work(task);
        return `${name} did it`;
      }));
  }

  async #work(task: TaskRun): Promise<string> {
    task.signal.addEventListener("abort", () => this.aborted++);
    await new Promise<void>((resolve, reject) => {
      this.#release.push(resolve);
      task.signal.addEventListener("abort", () => reject(task.signal.reason));
    });
    return `${this.name} is done`;
  }

  release(): void {
    for (const each of this.#release.splice(0)) each();
  }

  call(
    method: string,
    params: JsonObject,
    clientId?: string,
  ): Promise<JsonObject> {
    return this.server.call(method, params, {
      capabilities: TASKS,
      ...(clientId && {
        authInfo: { token: "secret", clientId, scopes: ["do"] },
      }),
    });
  }

  async begin(name: string, args?: JsonObject): Promise<string> {
    const { taskId } = await this.call("tools/call", {
      name,
      ...(args && { arguments: args }),
    });
    return taskId as string;
  }

  get(taskId: string): Promise<JsonObject> {
    return this.call("tasks/get", { taskId });
  }

  async is(taskId: string, status: string): Promise<JsonObject> {
    await eventually(async () => (await this.get(taskId)).status === status);
    return await this.get(taskId);
  }

  /** What it hears of a task; `stop` ends the listening. */
  async listen(
    taskId: string,
  ): Promise<{ heard: JsonObject[]; stop: () => Promise<void> }> {
    const heard: JsonObject[] = [];
    const controller = new AbortController();
    const listening = this.server.call("subscriptions/listen", {
      notifications: { taskIds: [taskId] },
    }, {
      capabilities: TASKS,
      signal: controller.signal,
      onNotification: ({ params }) => heard.push(params!),
    }).catch(() => {});
    await eventually(() => heard.length === 1);
    heard.shift();
    return {
      heard,
      stop: async () => {
        controller.abort();
        await listening;
      },
    };
  }
}

type Run = (replicas: Replica[], redis?: TestRedis) => Promise<void>;

/** Runs a test with three replicas, over memory and over Redis. */
function withReplicas(name: string, run: Run): void {
  Deno.test(`memory: ${name}`, async () => {
    const hub = new MemoryBusHub();
    await using store = new MemoryTaskStore();
    const replicas = ["a", "b", "c"].map((each) =>
      new Replica(each, { bus: hub.join(), tasks: { store } })
    );
    for (const each of replicas) await each.server.call("server/discover");
    await run(replicas);
    await Promise.all(replicas.map(({ server }) => server.close()));
  });
  overRedis(name, run);
}

function overRedis(name: string, run: Run, leaseMs?: number): void {
  Deno.test({
    name: `Redis: ${name}`,
    ignore: ignoreWithoutRedis,
    fn: async () => {
      await using redis = await TestRedis.start();
      const replicas = ["a", "b", "c"].map((each) =>
        new Replica(each, {
          redis: redis.url,
          ...(leaseMs && { tasks: { leaseMs } }),
        })
      );
      for (const { server } of replicas) {
        await server.call("server/discover");
        await eventually(async () =>
          (await server.health.run()).checks.redis?.status === "healthy"
        );
      }
      for (const { logged } of replicas) logged.length = 0;
      await run(replicas, redis);
      await Promise.all(replicas.map(({ server }) => server.close()));
    },
  });
}

function textOf(task: JsonObject): string {
  return (task.result as { content: { text: string }[] }).content[0].text;
}

const UNAVAILABLE = { code: -32005, data: { reason: "unavailable" } };

async function refusedAsUnavailable(promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error: { code: number; data: JsonObject }) => {
    assert.equal(error.code, UNAVAILABLE.code);
    assert.equal(error.data.reason, UNAVAILABLE.data.reason);
    return true;
  });
}

withReplicas(
  "a task is polled, followed and answered at another replica than its own",
  async ([a, b, c]) => {
    const taskId = await a.begin("ask");
    const { inputRequests } = await b.is(taskId, "input_required");
    const { heard, stop } = await c.listen(taskId);
    const [key] = Object.keys(inputRequests as JsonObject);
    await assert.rejects(
      b.call("tasks/update", {
        taskId,
        inputResponses: { [key]: { ...YES, content: { sure: 3 } } },
      }),
      { code: -32602, message: /"elicit-1" does not match .*: sure/ },
    );
    await b.call("tasks/update", { taskId, inputResponses: { [key]: YES } });
    const task = await b.is(taskId, "completed");
    assert.equal(textOf(task), "a heard accept");
    assert.deepEqual(a.logged, []);
    await eventually(() => heard.at(-1)?.status === "completed");
    assert.deepEqual(
      heard.map(({ status }) => status)
        .filter((status) => status !== "input_required"),
      ["working", "completed"],
    );
    // What comes too late is passed over, as at home.
    await b.call("tasks/update", { taskId, inputResponses: { [key]: YES } });
    await stop();
  },
);

withReplicas(
  "a task is cancelled at another replica, and its work stops",
  async ([a, b, c]) => {
    const taskId = await a.begin("wait");
    const { heard, stop } = await c.listen(taskId);
    await b.call("tasks/cancel", { taskId });
    await eventually(() => a.aborted === 1);
    const { status, statusMessage } = await a.get(taskId);
    assert.equal(status, "cancelled");
    assert.equal(statusMessage, "cancelled by the client");
    await eventually(() => a.server.stats.tasks === 0);
    await b.call("tasks/cancel", { taskId });
    await eventually(() => heard.length === 1);
    assert.equal(heard[0].status, "cancelled");
    assert.deepEqual(a.logged, []);
    await stop();
  },
);

withReplicas(
  "a task is its caller's alone at every replica",
  async ([a, b]) => {
    const { taskId } = await a.call("tools/call", { name: "wait" }, "ann");
    assert.equal((await b.call("tasks/get", { taskId }, "ann")).taskId, taskId);
    for (const method of ["tasks/get", "tasks/update", "tasks/cancel"]) {
      await assert.rejects(
        b.call(method, { taskId, inputResponses: {} }, "bob"),
        { code: -32602 },
      );
    }
    await b.call("tasks/cancel", { taskId }, "ann");
  },
);

withReplicas(
  "work that takes longer than a lease goes on, where it was begun",
  async ([a, b]) => {
    const taskId = await a.begin("wait");
    await new Promise((resolve) => setTimeout(resolve, 3 * LEASE_MS));
    assert.equal((await b.get(taskId)).status, "working");
    a.release();
    assert.equal(textOf(await b.is(taskId, "completed")), "a is done");
    assert.deepEqual(a.logged, []);
  },
);

withReplicas(
  "a replica that shuts down hands over what is restartable, and calls off the rest",
  async ([a, b, c]) => {
    const { taskId } = await a.call("tools/call", {
      name: "again",
      arguments: { n: 7 },
    }, "ann") as { taskId: string };
    const other = await a.begin("wait");
    await eventually(() => a.begun.length === 1);
    const { heard, stop } = await c.listen(other);
    await a.server.close();
    assert.equal(a.aborted, 2);
    const { status, statusMessage } = await b.get(other);
    assert.equal(status, "cancelled");
    assert.equal(statusMessage, "the server is shutting down");
    await eventually(() => heard.length === 1);
    await eventually(() => b.begun.length + c.begun.length === 1);
    const [next] = [b, c].filter(({ begun }) => begun.length === 1);
    assert.deepEqual(next.begun, [{ n: 7, caller: "ann" }]);
    next.release();
    const get = () => b.call("tasks/get", { taskId }, "ann");
    await eventually(async () => (await get()).status === "completed");
    assert.equal(textOf(await get()), `${next.name} did it`);
    await stop();
  },
);

overRedis(
  "while Redis is away what needs it is refused, and the work goes on",
  async (
    [a, b],
    redis,
  ) => {
    const taskId = await a.begin("wait");
    redis!.pause();
    await refusedAsUnavailable(b.get(taskId));
    await refusedAsUnavailable(a.call("tasks/cancel", { taskId }));
    await refusedAsUnavailable(a.begin("wait"));
    // The result waits for Redis; so long the lease holds.
    a.release();
    redis!.resume();
    const task = await eventuallyGot(b, taskId, "completed");
    assert.equal(textOf(task), "a is done");
    await eventually(() => a.server.stats.tasks === 0);
  },
  30_000,
);

overRedis("an owner that can't renew its lease stops the work", async (
  [a, b, c],
  redis,
) => {
  const taskId = await a.begin("again", { n: 1 });
  const other = await a.begin("wait");
  await eventually(() => a.begun.length === 1);
  const { heard, stop } = await b.listen(other);
  redis!.pause();
  await eventually(() => a.aborted === 2);
  redis!.resume();
  const failed = await eventuallyGot(b, other, "failed");
  assert.equal(failed.statusMessage, "the replica that ran it is gone");
  assert.deepEqual(failed.error, {
    code: -32603,
    message: "The task failed: the replica that ran it is gone",
  });
  await eventually(() => heard.at(-1)?.status === "failed");
  await stop();
  // Whoever finds it, its old owner included, runs it again.
  await releasing(b, taskId, [a, b, c]);
});

overRedis(
  "after a flush the owner stops its work, and followers are told",
  async (
    [a, b],
    redis,
  ) => {
    const taskId = await a.begin("wait");
    const { heard, stop } = await b.listen(taskId);
    await redis!.command("FLUSHALL");
    await eventually(() => a.aborted === 1);
    await assert.rejects(b.get(taskId), { code: -32602 });
    await eventually(() => heard.length > 0);
    assert.equal(heard[0].status, "failed");
    assert.equal(heard[0].statusMessage, "the store of tasks has lost it");
    await stop();
  },
);

overRedis("who missed news of a task is told how it stands, once", async (
  [a, b],
  redis,
) => {
  const taskId = await a.begin("wait");
  const { heard, stop } = await b.listen(taskId);
  // The bus alone is cut off: what is said meanwhile nobody hears.
  await redis!.command("CLIENT", "KILL", "TYPE", "pubsub");
  a.release();
  await a.is(taskId, "completed");
  await eventually(() => heard.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(heard.at(-1)?.status, "completed");
  await stop();
});

/** The task, once it can be had and is in a state. */
async function eventuallyGot(
  at: Replica,
  taskId: string,
  status: string,
): Promise<JsonObject> {
  let task: JsonObject = {};
  await eventually(async () => {
    task = await at.get(taskId).catch(() => ({}));
    return task.status === status;
  });
  return task;
}

/** Lets work end wherever it is begun, until the task is completed. */
async function releasing(
  at: Replica,
  taskId: string,
  replicas: Replica[],
): Promise<void> {
  await eventually(async () => {
    for (const each of replicas) each.release();
    return (await at.get(taskId)).status === "completed";
  });
}
