import assert from "node:assert/strict";
import {
  McpServer,
  MemoryTaskStore,
  type StdioStreams,
  type TaskStore,
} from "../../mod.ts";
import { read } from "../transport/wire.ts";
import { modernCall, modernPost, within } from "../transport/wire.ts";

const LISTEN = { toolsListChanged: true };
const cancel = (requestId: unknown) => ({
  jsonrpc: "2.0",
  method: "notifications/cancelled",
  params: { requestId },
});

/** Messages that come some turns of the microtask queue after one another. */
function streamsOf(messages: unknown[], turns: number): StdioStreams {
  const lines = messages.map((each) =>
    new TextEncoder().encode(JSON.stringify(each) + "\n")
  );
  return {
    async read(buffer) {
      for (let turn = 0; turn < turns; turn++) await null;
      const line = lines.shift();
      if (line !== undefined) buffer.set(line);
      return line?.length ?? null;
    },
    write: (bytes) => Promise.resolve(bytes.length),
  };
}

Deno.test("a listen that is cancelled at any moment of its opening leaves nothing", async () => {
  const listen = (id: unknown) =>
    modernCall("subscriptions/listen", { notifications: LISTEN }, id);
  for (let turns = 0; turns <= 15; turns++) {
    const server = new McpServer({ name: "s", version: "1.0.0" }, {
      log: () => {},
    });
    server.registerTool("t", {}, () => "x");
    const messages = [listen(1), cancel(1), listen("b"), cancel("b")];
    await within(server.serveStdio({
      streams: streamsOf(messages, turns),
      signals: false,
      graceMs: 200,
    }));
    assert.equal(server.stats.inFlight, 0, `${turns} turns`);
    assert.equal(server.stats.subscriptions, 0);
  }
});

/** A task store that takes its time, so that a listen is long about to open. */
function slowStore(gate: Promise<void>, asked: () => void): TaskStore {
  const store = new MemoryTaskStore();
  return {
    create: (task) => store.create(task),
    update: (task) => store.update(task),
    delete: (id) => store.delete(id),
    async get(id) {
      asked();
      await gate;
      return store.get(id);
    },
  };
}

Deno.test("a listen that opens while the server ends, ends with it", async () => {
  const gate = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const server = new McpServer({ name: "s", version: "1.0.0" }, {
    log: () => {},
    tasks: { store: slowStore(gate.promise, asked.resolve) },
  });
  const message = modernCall("subscriptions/listen", {
    notifications: { ...LISTEN, taskIds: ["a"] },
    _meta: {
      "io.modelcontextprotocol/clientCapabilities": {
        extensions: { "io.modelcontextprotocol/tasks": {} },
      },
    },
  });
  const sent = server.fetch(
    new Request("http://localhost/mcp", modernPost(message)),
  );
  await asked.promise;
  const closed = server.close();
  gate.resolve();
  const { messages } = await read(await within(sent));
  assert.match(messages[0].method, /acknowledged/);
  assert.equal(messages[1].result.resultType, "complete");
  await within(closed);
  const { inFlight, subscriptions, streams } = server.stats;
  assert.deepEqual([inFlight, subscriptions, streams], [0, 0, 0]);
});

Deno.test("a server whose lifespan never closes still goes at the second signal", async () => {
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  const mod = new URL("../../mod.ts", import.meta.url);
  await Deno.writeTextFile(
    script,
    `import { McpServer } from "${mod}";
    const server = new McpServer({ name: "s", version: "1.0.0" }, {
      lifespan: (stack) => { stack.defer(() => new Promise(() => {})); return {}; },
    });
    setInterval(() => {}, 1e6);
    const how = Deno.args[0];
    if (how === "http") await server.serve({ port: 0 });
    console.error("READY");
    if (how === "stdio") await server.serveStdio();`,
  );
  for (const how of ["http", "stdio"]) {
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-check",
        "--config",
        new URL("../../deno.json", import.meta.url).pathname,
        script,
        how,
      ],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let said = "";
    const reading = (async () => {
      const text = process.stderr.pipeThrough(new TextDecoderStream());
      for await (const chunk of text) said += chunk;
    })();
    const until = async (condition: () => boolean) => {
      while (!condition()) await new Promise((go) => setTimeout(go, 10));
    };
    await within(until(() => said.includes("READY")));
    await new Promise((go) => setTimeout(go, 200));
    let over = false;
    const status = process.status.then(() => over = true);
    process.kill("SIGTERM");
    await new Promise((go) => setTimeout(go, 500));
    assert.equal(over, false, "it waits for its lifespan");
    process.kill("SIGTERM");
    await within(status);
    await process.stdin.close().catch(() => {});
    await reading;
  }
  await Deno.remove(script);
});
