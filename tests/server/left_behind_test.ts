import assert from "node:assert/strict";
import {
  McpServer,
  type McpServerOptions,
  MemoryTaskStore,
} from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { ask } from "../transport/wire.ts";

const GRACE_MS = 10_000;
const never = () => new Promise<void>(() => {});

/** A server, and what its log says from "warning" on. */
function made(options: McpServerOptions = {}, name = "held") {
  const log: string[] = [];
  const clock = new FakeClock();
  const server = new McpServer({ name, version: "1.0.0" }, {
    clock,
    logLevel: "warning",
    log: ({ level, message }) => log.push(`${level}: ${message}`),
    ...options,
  });
  return { server, log, clock };
}

/** Closes a server in the time that it has: the grace and a second. */
async function closed(server: McpServer, clock: FakeClock): Promise<void> {
  let isOver = false;
  const over = server.close().then(() => isOver = true);
  await clock.advance(GRACE_MS + 1_000);
  await clock.advance(10); // the rest has no time left
  assert.ok(isOver, "it takes longer than it may");
  await over;
}

class HeldStore extends MemoryTaskStore {
  override [Symbol.asyncDispose] = never;
}

const HELD: Record<string, [McpServerOptions, string]> = {
  "a lifespan": [
    { lifespan: (stack) => stack.defer(never) },
    "the lifespan of held",
  ],
  "a task store": [
    { tasks: { store: new HeldStore() } },
    "extension io.modelcontextprotocol/tasks",
  ],
  "an extension": [
    { extensions: [{ id: "com.example/slow", [Symbol.asyncDispose]: never }] },
    "extension com.example/slow",
  ],
};

for (const [what, [options, name]] of Object.entries(HELD)) {
  Deno.test(`${what} that never closes is named and left behind`, async () => {
    const { server, log, clock } = made(options);
    await server.call("server/discover");
    await closed(server, clock);
    assert.deepEqual(log, [
      `warning: ${name} does not close, and is left behind`,
    ]);
    assert.equal(clock.pending, 0);
  });
}

Deno.test("what fails to close keeps nothing else from closing", async () => {
  const events: string[] = [];
  const { server, log, clock } = made({
    extensions: [{
      id: "com.example/broken",
      [Symbol.asyncDispose]: () => Promise.reject(new Error("broken pipe")),
    }],
    lifespan: (stack) => {
      stack.defer(() => void events.push("first"));
      stack.defer(() => {
        throw new Error("disk full");
      });
    },
  });
  const inner = made({
    lifespan: (stack) => stack.defer(() => void events.push("mounted")),
  }, "inner");
  server.mount("inner", inner.server);
  await server.call("server/discover");
  await closed(server, clock);
  assert.deepEqual(log, [
    "error: closing extension com.example/broken failed: broken pipe",
    "error: closing the lifespan of held failed: disk full",
  ]);
  assert.deepEqual(events, ["first", "mounted"]);
});

Deno.test("mounted servers that never close have no time of their own beyond it", async () => {
  const { server, clock } = made();
  const logs = ["one", "two"].map((name) => {
    const inner = made({
      clock,
      lifespan: (stack) => stack.defer(never),
    }, name);
    server.mount(name, inner.server);
    return inner.log;
  });
  await server.call("server/discover");
  await closed(server, clock);
  await clock.advance(1_000);
  for (const [index, name] of ["one", "two"].entries()) {
    assert.deepEqual(logs[index], [
      `warning: the lifespan of ${name} does not close, and is left behind`,
    ]);
  }
});

Deno.test("tasks whose work never ends are named by their tools", async () => {
  const { server, log, clock } = made();
  server.registerTool("dig", {}, (ctx) => ctx.runAsTask(() => never()));
  const { body } = await ask(server, "tools/call", {
    name: "dig",
    _meta: {
      "io.modelcontextprotocol/clientCapabilities": {
        extensions: { "io.modelcontextprotocol/tasks": {} },
      },
    },
  });
  assert.equal(body.result.resultType, "task");
  await closed(server, clock);
  assert.deepEqual(log, [
    `warning: tasks were left behind after ${GRACE_MS} ms of grace: 1`,
  ]);
});
