import assert from "node:assert/strict";
import { type JsonObject, McpServer } from "../../mod.ts";
import type { Loose } from "../support/clients.ts";
import { listen } from "../support/legs.ts";
import { eventually } from "../support/eventually.ts";
import { modernCall, modernPost } from "../transport/wire.ts";

const EXTENSION = "io.modelcontextprotocol/tasks";
const CAPABILITIES = {
  elicitation: {},
  extensions: { [EXTENSION]: {} },
};

/** Work that waits for a word from the test, or from the user. */
function worker(go: Promise<void>): McpServer {
  const server = new McpServer({ name: "worker", version: "1.0.0" }, {
    log: () => {},
  });
  server.registerTool("work", {}, (ctx) =>
    ctx.runAsTask(async (task) => {
      await task.status("waiting for the word");
      await go;
      return "worked";
    }, { ttlMs: 60_000, pollIntervalMs: 5 }));
  server.registerTool(
    "work_with_user",
    {},
    (ctx) =>
      ctx.runAsTask(async (task) => {
        const { content } = await task.elicit({
          message: "Who?",
          requestedSchema: {
            type: "object",
            properties: { name: { type: "string" } },
          },
        });
        return `worked for ${content?.name}`;
      }),
  );
  server.registerTool(
    "work_for_ever",
    {},
    (ctx) =>
      ctx.runAsTask((task) =>
        new Promise((_, reject) => {
          task.signal.addEventListener(
            "abort",
            () => reject(task.signal.reason),
            { once: true },
          );
        })
      ),
  );
  return server;
}

/** Makes a request of the modern era by hand: no official client knows tasks yet. */
function request(
  url: string,
  method: string,
  params: JsonObject,
  signal?: AbortSignal,
): Promise<Response> {
  const message = modernCall(method, {
    ...params,
    _meta: { "io.modelcontextprotocol/clientCapabilities": CAPABILITIES },
  });
  return fetch(url, modernPost(message, signal));
}

async function ask(
  url: string,
  method: string,
  params: JsonObject,
): Promise<Loose> {
  const { result, error } = await (await request(url, method, params)).json();
  if (error !== undefined) throw Object.assign(new Error(error.message), error);
  return result;
}

Deno.test("a task is polled until it has its result", async () => {
  const go = Promise.withResolvers<void>();
  await using server = worker(go.promise);
  await using running = await listen(server);
  const { url } = running;

  const created = await ask(url, "tools/call", { name: "work", arguments: {} });
  assert.equal(created.resultType, "task");
  assert.equal(created.status, "working");
  assert.equal(created.ttlMs, 60_000);
  const { taskId } = created;

  const working = await ask(url, "tasks/get", { taskId });
  assert.equal(working.status, "working");
  assert.equal(working.statusMessage, "waiting for the word");
  go.resolve();
  let done: Loose = {};
  await eventually(async () => {
    done = await ask(url, "tasks/get", { taskId });
    return done.status === "completed";
  });
  assert.equal(done.result.content[0].text, "worked");
  await assert.rejects(ask(url, "tasks/get", { taskId: "another" }), {
    code: -32602,
  });
});

Deno.test("a task asks the user, and goes on with the answer", async () => {
  await using server = worker(Promise.resolve());
  await using running = await listen(server);
  const { url } = running;
  const { taskId } = await ask(url, "tools/call", {
    name: "work_with_user",
    arguments: {},
  });
  let task: Loose = {};
  await eventually(async () => {
    task = await ask(url, "tasks/get", { taskId });
    return task.status === "input_required";
  });
  const [[key, question]] = Object.entries<Loose>(task.inputRequests);
  assert.equal(question.params.message, "Who?");
  await ask(url, "tasks/update", {
    taskId,
    inputResponses: { [key]: { action: "accept", content: { name: "Ada" } } },
  });
  await eventually(async () => {
    task = await ask(url, "tasks/get", { taskId });
    return task.status === "completed";
  });
  assert.equal(task.result.content[0].text, "worked for Ada");
});

Deno.test("a listener hears that a task was cancelled", async () => {
  await using server = worker(Promise.resolve());
  await using running = await listen(server);
  const { url } = running;
  const { taskId } = await ask(url, "tools/call", {
    name: "work_for_ever",
    arguments: {},
  });
  const controller = new AbortController();
  const stream = await request(url, "subscriptions/listen", {
    notifications: { taskIds: [taskId] },
  }, controller.signal);
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  let heard = "";
  const hear = async (text: string) => {
    while (!heard.includes(text)) {
      const { value, done } = await reader.read();
      assert.equal(done, false);
      heard += value;
    }
  };
  await hear("notifications/subscriptions/acknowledged");
  await ask(url, "tasks/cancel", { taskId });
  await hear('"status":"cancelled"');
  assert.equal((await ask(url, "tasks/get", { taskId })).status, "cancelled");
  assert.equal(server.stats.tasks, 0);
  controller.abort();
  await assert.rejects(reader.read());
});
