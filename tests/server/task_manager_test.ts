import assert from "node:assert/strict";
import { z } from "zod";
import {
  inputRequired,
  InvalidOptionError,
  McpServer,
  type McpServerOptions,
  MemoryTaskStore,
  ProtocolError,
  type Task,
  type TaskRun,
} from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";

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

/** A server whose tool `job` does `work` as a task. */
function serverFor(
  work: (task: TaskRun) => unknown,
  options: McpServerOptions = {},
) {
  const logged: string[] = [];
  const server = new McpServer({ name: "tasks", version: "1.0.0" }, {
    log: ({ message }) => logged.push(message),
    ...options,
  });
  server.registerTool("job", {}, (ctx) => ctx.runAsTask(work));
  const call = (method: string, params: Record<string, unknown>) =>
    server.call(method, params, { capabilities: TASKS });
  return {
    server,
    logged,
    call,
    begin: async () =>
      (await call("tools/call", { name: "job" })).taskId as string,
    get: (taskId: string) => call("tasks/get", { taskId }),
  };
}

/** Lets everything run that waits for nothing but its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function untilAborted({ signal }: TaskRun): Promise<never> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason))
  );
}

Deno.test("a task is there as soon as its handle is, and ends with the tool's result", async () => {
  const { server, call, get } = serverFor(() => "done");
  const created = await call("tools/call", { name: "job" });
  assert.equal(created.resultType, "task");
  assert.equal(created.status, "working");
  await turn();
  const task = await get(created.taskId as string);
  assert.equal(task.resultType, "complete");
  assert.equal(task.status, "completed");
  assert.deepEqual(task.result, { content: [{ type: "text", text: "done" }] });
  await server.close();
});

Deno.test("the work sees of its task what is documented, and nothing else", async () => {
  let seen: string[] = [];
  const { server, begin } = serverFor((task) => {
    seen = Object.keys(task);
    assert.equal(Object.getPrototypeOf(task), Object.prototype);
    return "done";
  });
  await begin();
  await eventually(() => seen.length > 0);
  assert.deepEqual(seen.toSorted(), [
    "elicit",
    "inputResponses",
    "sample",
    "signal",
    "status",
    "taskId",
  ]);
  await server.close();
});

Deno.test("an error of the protocol fails a task and says why", async () => {
  const { server, begin, get } = serverFor(() => {
    throw new ProtocolError(-32050, "The printer is on fire", { floor: 3 });
  });
  const taskId = await begin();
  await turn();
  const { status, statusMessage, error, result } = await get(taskId);
  assert.equal(status, "failed");
  assert.equal(statusMessage, "The printer is on fire");
  assert.deepEqual(error, {
    code: -32050,
    message: "The printer is on fire",
    data: { floor: 3 },
  });
  assert.equal(result, undefined);
  await server.close();
});

const cycle: Record<string, unknown> = {};
cycle.self = cycle;

for (
  const [what, work, expected] of [
    ["an error", () => Promise.reject(new Error("broke")), /^broke$/],
    ["a string", () => Promise.reject("no error at all"), /^no error at all$/],
    ["a cycle", () => ({ structuredContent: cycle, content: [] }), /circular/],
    [
      "a BigInt",
      () => ({ structuredContent: { n: 1n }, content: [] }),
      /BigInt/,
    ],
  ] as const
) {
  Deno.test(`work that ends with ${what} completes its task with isError`, async () => {
    const { server, logged, begin, get } = serverFor(work);
    const taskId = await begin();
    await turn();
    const task = await get(taskId);
    assert.equal(task.status, "completed");
    const { isError, content } = task.result as {
      isError: boolean;
      content: { text: string }[];
    };
    assert.equal(isError, true);
    assert.match(content[0].text, expected);
    assert.equal(logged.length, 1);
    await server.close();
  });
}

Deno.test("a task that is cancelled stays cancelled, and nobody calls it a failure", async () => {
  const { server, logged, call, begin, get } = serverFor(untilAborted);
  const taskId = await begin();
  assert.deepEqual(
    (await call("tasks/cancel", { taskId })).resultType,
    "complete",
  );
  await turn();
  assert.equal((await get(taskId)).status, "cancelled");
  assert.deepEqual(logged, []);
  assert.equal(server.stats.tasks, 0);
  await server.close();
});

Deno.test("a task's time runs out: its work is called off and it is forgotten", async () => {
  const clock = new FakeClock();
  let aborted = false;
  const { server, begin, get } = serverFor((task) => {
    task.signal.addEventListener("abort", () => aborted = true);
    return untilAborted(task);
  }, { clock, tasks: { ttlMs: 60_000 } });
  const taskId = await begin();
  await clock.advance(59_999);
  assert.equal((await get(taskId)).status, "working");
  await clock.advance(1);
  assert.equal(aborted, true);
  await assert.rejects(get(taskId), { code: -32602 });
  assert.equal(clock.pending, 0);
  await server.close();
});

Deno.test("times that are no whole milliseconds are refused", () => {
  for (
    const tasks of [
      { ttlMs: 0.5 },
      { ttlMs: NaN },
      { ttlMs: 0 },
      { pollIntervalMs: 0 },
      { pollIntervalMs: 1.5 },
    ]
  ) {
    assert.throws(() => serverFor(() => 1, { tasks }), InvalidOptionError);
  }
});

Deno.test("questions have keys of their own, and may be answered one by one", async () => {
  const { server, call, begin, get } = serverFor(async (task) => {
    const both = await Promise.all([
      task.elicit(QUESTION),
      task.elicit(QUESTION),
    ]);
    const last = await task.elicit(QUESTION);
    return [...both, last].map(({ action }) => action).join();
  });
  const taskId = await begin();
  const keys: string[] = [];
  for (const open of [2, 1, 1]) {
    const asked = async () =>
      Object.keys((await get(taskId)).inputRequests ?? {});
    await eventually(async () =>
      (await asked()).filter((key) => !keys.includes(key)).length === open
    );
    const task = await get(taskId);
    assert.equal(task.status, "input_required");
    const [key, ...rest] = Object.keys(task.inputRequests as object);
    assert.equal(rest.length, open - 1);
    keys.push(key);
    await call("tasks/update", {
      taskId,
      inputResponses: { [key]: YES, "never-asked": YES, ...answered(keys) },
    });
  }
  assert.equal(new Set(keys).size, 3);
  await eventually(async () => (await get(taskId)).status !== "working");
  const { status, inputRequests, result } = await get(taskId);
  assert.equal(status, "completed");
  assert.equal(inputRequests, undefined);
  assert.deepEqual(result, {
    content: [{ type: "text", text: "accept,accept,accept" }],
  });
  await server.close();
});

function answered(keys: string[]): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, YES]));
}

for (
  const [client, capabilities] of [
    ["with tasks", TASKS],
    ["without", { elicitation: {} }],
  ] as const
) {
  Deno.test(`work that answers with inputRequired() gets the answers, for a client ${client}`, async () => {
    const { server } = serverFor(({ inputResponses }) =>
      inputResponses?.sure === undefined
        ? inputRequired({
          inputRequests: { sure: inputRequired.elicit(QUESTION) },
        })
        : "sure"
    );
    const ask = (method: string, params: Record<string, unknown>) =>
      server.call(method, params, { capabilities });
    let answer = await ask("tools/call", { name: "job" });
    if (answer.resultType === "task") {
      const { taskId } = answer;
      await turn();
      const { inputRequests } = await ask("tasks/get", { taskId });
      await ask("tasks/update", {
        taskId,
        inputResponses: answered(Object.keys(inputRequests as object)),
      });
      await turn();
      answer = (await ask("tasks/get", { taskId })).result as typeof answer;
    } else {
      assert.equal(answer.resultType, "input_required");
      answer = await ask("tools/call", {
        name: "job",
        inputResponses: answered(Object.keys(answer.inputRequests as object)),
        requestState: answer.requestState,
      });
    }
    assert.deepEqual(answer.content, [{ type: "text", text: "sure" }]);
    await server.close();
  });
}

Deno.test("only a tool's call is answered with a task", async () => {
  const { server } = serverFor(() => "unused");
  server.registerPrompt(
    "slow",
    {},
    async (ctx) => await ctx.runAsTask(() => "at once") as string,
  );
  const { messages } = await server.call("prompts/get", { name: "slow" }, {
    capabilities: TASKS,
  });
  assert.equal((messages as unknown[]).length, 1);
  await server.close();
});

Deno.test("a task is its caller's alone", async () => {
  const { server } = serverFor(() => "done");
  const as = (clientId: string) => ({
    capabilities: TASKS,
    authInfo: { token: "t", clientId, scopes: [] },
  });
  const { taskId } = await server.call(
    "tools/call",
    { name: "job" },
    as("ann"),
  );
  await server.call("tasks/get", { taskId }, as("ann"));
  for (const method of ["tasks/get", "tasks/update", "tasks/cancel"]) {
    await assert.rejects(
      server.call(method, { taskId, inputResponses: {} }, as("bob")),
      { code: -32602 },
    );
  }
  await server.close();
});

Deno.test("a slow store never lets an earlier state overtake a later one", async () => {
  const seen: (string | undefined)[] = [];
  class SlowStore extends MemoryTaskStore {
    override async update(task: Task): Promise<void> {
      // The earlier the write, the longer it takes.
      for (let turns = 4 - seen.length; turns > 0; turns--) await turn();
      seen.push(task.statusMessage ?? task.status);
    }
  }
  const { server, begin } = serverFor(async (task) => {
    await Promise.all([task.status("one"), task.status("two")]);
    return { content: [] };
  }, { tasks: { store: new SlowStore() } });
  await begin();
  await server.close();
  assert.deepEqual(seen, ["one", "two", "the server is shutting down"]);
});

Deno.test("a store that fails costs a log line, not the process", async () => {
  class BrokenStore extends MemoryTaskStore {
    override update(): Promise<void> {
      return Promise.reject(new Error("store is down"));
    }
  }
  const { server, logged, begin } = serverFor(() => "done", {
    tasks: { store: new BrokenStore() },
  });
  await begin();
  await turn();
  assert.deepEqual(logged, [
    "task failed: store is down",
  ]);
  await server.close();
});

Deno.test("closing waits for the work of tasks before the lifespan closes", async () => {
  const order: string[] = [];
  const { server, begin } = serverFor(async (task) => {
    await untilAborted(task).catch(turn);
    order.push("work cleaned up");
  }, {
    lifespan: (stack) => {
      stack.defer(() => void order.push("lifespan closed"));
      return {};
    },
  });
  await begin();
  await server.close();
  assert.deepEqual(order, ["work cleaned up", "lifespan closed"]);
});

Deno.test("closing gives up on work that ignores its signal", async () => {
  const clock = new FakeClock();
  const { server, begin } = serverFor(() => new Promise(() => {}), { clock });
  await begin();
  const closed = server.close();
  await clock.advance(9_999);
  assert.equal(await Promise.race([closed, "open"]), "open");
  await clock.advance(1);
  await closed;
});

Deno.test("a listener hears of every state of the tasks it may watch", async () => {
  const { server, call, begin } = serverFor(async (task) => {
    await task.elicit(QUESTION);
    return "done";
  });
  const taskId = await begin();
  const heard: { method: string; params?: Record<string, unknown> }[] = [];
  const { signal, abort } = abortable();
  const listening = server.call("subscriptions/listen", {
    notifications: { taskIds: [taskId, "somebody-elses"] },
  }, {
    capabilities: TASKS,
    signal,
    onNotification: (each) => heard.push(each),
  });
  await turn();
  const { inputRequests } = await call("tasks/get", { taskId });
  await call("tasks/update", {
    taskId,
    inputResponses: answered(Object.keys(inputRequests as object)),
  });
  await eventually(() => heard.length === 3);
  const [acknowledged, ...states] = heard;
  assert.equal(
    acknowledged.method,
    "notifications/subscriptions/acknowledged",
  );
  assert.deepEqual(acknowledged.params?.notifications, { taskIds: [taskId] });
  assert.deepEqual(
    states.map((
      { method, params },
    ) => [method, params?.taskId, params?.status]),
    [
      ["notifications/tasks", taskId, "working"],
      ["notifications/tasks", taskId, "completed"],
    ],
  );
  assert.deepEqual(states[1].params?.result, {
    content: [{ type: "text", text: "done" }],
  });
  abort();
  await listening.catch(() => {});
  await server.close();
});

function abortable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

Deno.test("clients without the extension reach no task and hear of none", async () => {
  const { server, begin } = serverFor(() => "done");
  const taskId = await begin();
  for (
    const [method, params] of [
      ["tasks/get", { taskId }],
      ["tasks/update", { taskId, inputResponses: {} }],
      ["tasks/cancel", { taskId }],
      ["subscriptions/listen", { notifications: { taskIds: [taskId] } }],
    ] as const
  ) {
    await assert.rejects(server.call(method, params), {
      code: -32021,
      data: { requiredCapabilities: { extensions: TASKS.extensions } },
    });
  }
  await server.close();
});

Deno.test("a tool that requires a task is listed like any other, in both eras", async () => {
  const server = new McpServer({ name: "tasks", version: "1.0.0" }, {
    sessions: false,
  });
  server.registerTool(
    "job",
    { execution: { taskSupport: "required" } },
    (ctx) => ctx.runAsTask(() => "done"),
  );
  const expected = [{
    name: "job",
    inputSchema: { type: "object", properties: {} },
  }];
  assert.deepEqual((await server.call("tools/list")).tools, expected);

  const legacy = async (method: string, params: object) => {
    const response = await server.fetch(
      new Request("http://localhost/mcp", {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "accept": "application/json, text/event-stream",
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      }),
    );
    return (await response.json()).result;
  };
  assert.deepEqual((await legacy("tools/list", {})).tools, expected);
  assert.deepEqual(await legacy("tools/call", { name: "job" }), {
    content: [{ type: "text", text: "done" }],
  });
  await server.close();
});

Deno.test("a task asks nothing that its client did not declare", async () => {
  const { server, begin, get } = serverFor((task) =>
    task.elicit({ mode: "url", message: "?", url: "https://example.com/" })
  );
  const undeclared = await begin();
  await eventually(async () => (await get(undeclared)).status !== "working");
  const { status, error } = await get(undeclared);
  assert.equal(status, "failed");
  assert.deepEqual(error, {
    code: -32021,
    message: "Missing required client capability: elicitation.url",
    data: { requiredCapabilities: { elicitation: { url: {} } } },
  });
  await server.close();
});

Deno.test("a wrong answer is refused by its key, and the task waits for a right one", async () => {
  const { server, begin, get, call } = serverFor(async (task) => {
    const [{ content }, { action }] = await Promise.all([
      task.elicit({
        message: "How many?",
        requestedSchema: z.object({ count: z.coerce.number().max(9) }),
      }),
      task.elicit(QUESTION),
    ]);
    return `${content?.count} ${action}`;
  });
  const taskId = await begin();
  const asked = async () =>
    Object.keys((await get(taskId)).inputRequests ?? {}).length;
  await eventually(async () => await asked() === 2);
  const answer = (inputResponses: Record<string, unknown>) =>
    call("tasks/update", { taskId, inputResponses });
  const right = { action: "accept", content: { count: "7" } };
  for (
    const [wrong, why] of [
      [null, /"elicit-1" is invalid: it must be an object/],
      [{ content: {} }, /"elicit-1" is invalid: action must be/],
      [
        { action: "accept", content: { count: "70" } },
        /elicitation\/create "elicit-1" does not match .*: count/,
      ],
    ] as const
  ) {
    await assert.rejects(
      answer({ "elicit-2": YES, "elicit-1": wrong }),
      { code: -32602, message: why },
    );
    assert.equal((await get(taskId)).status, "input_required");
    assert.equal(await asked(), 2);
  }
  // Both have been looked at before either is taken.
  await Promise.all([
    answer({ "elicit-1": right }),
    answer({ "elicit-1": right }),
  ]);
  assert.equal(await asked(), 1);
  await answer({ "elicit-2": YES });
  await eventually(async () => (await get(taskId)).status === "completed");
  assert.deepEqual((await get(taskId)).result, {
    content: [{ type: "text", text: "7 accept" }],
  });
  await server.close();
});
