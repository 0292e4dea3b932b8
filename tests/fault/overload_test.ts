import assert from "node:assert/strict";
import { McpServer } from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import { listen } from "../support/legs.ts";
import { httpText, RawSocket } from "../transport/raw_socket.ts";
import {
  ask,
  modernCall,
  modernHeaders,
  modernPost,
  within,
} from "../transport/wire.ts";

const SCRIPT = new URL("busy_server.ts", import.meta.url).pathname;

/** Starts the busy server as a process of its own: it and its clients share no loop. */
function startBusy(...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", "--no-prompt", SCRIPT, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

interface Reply {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly text: string;
}

async function send(url: string, init: RequestInit): Promise<Reply> {
  const response = await fetch(url, init);
  return {
    status: response.status,
    retryAfter: response.headers.get("retry-after"),
    text: await response.text(),
  };
}

const compute = modernCall("tools/call", { name: "compute" });

/** The same call as a client of 2025-06-18 writes it. */
const legacyCompute: RequestInit = {
  method: "POST",
  headers: {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "mcp-protocol-version": "2025-06-18",
  },
  body: JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: "compute" },
  }),
};

Deno.test("what a computing server can't answer in time is refused in both eras, and nothing runs in vain", async () => {
  const child = startBusy();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value: port } = await within(reader.read(), 30_000);
  const url = `http://127.0.0.1:${port!.trim()}/mcp`;
  try {
    const calls = Array.from(
      { length: 200 },
      (_, index) => send(url, index % 2 ? legacyCompute : modernPost(compute)),
    );
    const beside = [
      send(
        url,
        modernPost({ jsonrpc: "2.0", method: "notifications/made_up" }),
      ),
      send(new URL("/health", url).href, {}),
    ];
    const replies = await within(Promise.all(calls), 60_000);
    const answered = replies.filter(({ status }) => status === 200);
    const refused = replies.filter(({ status }) => status === 503);
    assert.equal(answered.length + refused.length, 200);
    assert.ok(answered.length > 0 && refused.length > 0);
    for (const { text, retryAfter } of refused) {
      assert.equal(retryAfter, "1");
      assert.match(text, /"code":-32005.*"reason":"overloaded"/);
    }
    for (const { status } of await Promise.all(beside)) {
      assert.notEqual(status, 503);
    }
    // It is over as soon as a turn of the loop is short again.
    await eventually(async () =>
      (await send(url, modernPost(compute))).status === 200
    );
    const count = modernCall("tools/call", { name: "executed" });
    const { text } = await send(url, modernPost(count));
    const executed = Number(JSON.parse(text).result.content[0].text);
    assert.ok(executed === answered.length + 1, `${executed} ran`);
  } finally {
    child.kill();
    await child.stdin.close();
    await reader.cancel();
    await child.status;
  }
});

Deno.test("over stdio the same is refused, by errors alone", async () => {
  const child = startBusy("stdio");
  const lines = Array.from(
    { length: 100 },
    (_, id) => ({ ...compute, id }),
  );
  const input = [...lines, modernCall("server/discover", {}, "last")]
    .map((line) => `${JSON.stringify(line)}\n`).join("");
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { stdout } = await within(child.output(), 60_000);
  const answers = new TextDecoder().decode(stdout).trimEnd().split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(new Set(answers.map(({ id }) => id)).size, 101);
  const refused = answers.filter(({ error }) => error?.code === -32005);
  const answered = answers.filter(({ result }) => result !== undefined);
  assert.equal(answered.length + refused.length, 101);
  assert.ok(answered.length > 0 && refused.length > 0);
});

Deno.test("of a tool's line as many run as may, and who leaves it never does", async () => {
  let running = 0;
  let most = 0;
  let executed = 0;
  const gate = Promise.withResolvers<void>();
  await using server = new McpServer({ name: "lined", version: "1.0.0" }, {
    log: () => {},
  });
  server.registerTool("wait", { concurrency: 10, maxWaiting: 50 }, async () => {
    executed++;
    most = Math.max(most, ++running);
    await gate.promise;
    running--;
    return "done";
  });
  const { port } = await listen(server);
  const call = modernCall("tools/call", { name: "wait" });
  const request = httpText({
    headers: modernHeaders(call),
    body: JSON.stringify(call),
  });
  const leaving = await Promise.all(
    Array.from({ length: 40 }, () => RawSocket.open(port)),
  );
  for (const socket of leaving) await socket.write(request);
  await eventually(() => server.stats.inFlight === 40);
  const calls = Array.from(
    { length: 400 },
    () => ask(server, "tools/call", { name: "wait" }),
  );
  await eventually(() => server.stats.inFlight === 60);
  for (const socket of leaving) socket.drop();
  await eventually(() => server.stats.inFlight <= 50);
  gate.resolve();
  const replies = await within(Promise.all(calls), 60_000);
  const answered = replies.filter(({ body }) => body.result).length;
  const refused = replies.filter(({ body }) => body.error?.code === -32005)
    .length;
  assert.equal(answered + refused, 400);
  assert.equal(most, 10);
  assert.equal(executed, 10 + answered);
  await eventually(() => server.stats.inFlight === 0);
});

Deno.test("streams that clients listen on, and tasks at work, are no requests in progress", async () => {
  await using server = new McpServer({ name: "listened", version: "1.0.0" }, {
    admission: { maxInProgress: 1 },
    log: () => {},
  });
  const gate = Promise.withResolvers<void>();
  server.registerTool("job", {}, (ctx) =>
    ctx.runAsTask(async () => {
      await gate.promise;
      return "done";
    }));
  server.registerTool("one", {}, () => 1);
  const listening = modernCall("subscriptions/listen", {
    notifications: { toolsListChanged: true },
  });
  const streams: Response[] = [];
  for (const id of [1, 2, 3]) {
    const response = await server.fetch(
      new Request("http://localhost/mcp", modernPost({ ...listening, id })),
    );
    assert.equal(response.status, 200);
    streams.push(response);
  }
  const capabilities = {
    extensions: { "io.modelcontextprotocol/tasks": {} },
  };
  const created = await server.call("tools/call", { name: "job" }, {
    capabilities,
  });
  assert.equal(created.resultType, "task");
  assert.equal((await ask(server, "tools/call", { name: "one" })).status, 200);
  gate.resolve();
  for (const { body } of streams) await body!.cancel();
});

Deno.test("a request that is refused unread leaves its connection fit for the next", async () => {
  const child = startBusy();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value: port } = await within(reader.read(), 30_000);
  const url = `http://127.0.0.1:${port!.trim()}/mcp`;
  try {
    const large = JSON.stringify({
      ...compute,
      params: { ...compute.params, padding: "x".repeat(300_000) },
    });
    const post = (body: string) =>
      send(url, {
        ...modernPost(compute),
        headers: { ...modernPost(compute).headers, ...modernHeaders(compute) },
        body,
      } as RequestInit);
    const replies = await within(
      Promise.all(Array.from({ length: 100 }, () => post(large))),
      60_000,
    );
    const statuses = new Set(replies.map(({ status }) => status));
    assert.deepEqual([...statuses].sort(), [200, 503]);
    await eventually(async () =>
      (await post(JSON.stringify(compute))).status === 200
    );
  } finally {
    child.kill();
    await child.stdin.close();
    await reader.cancel();
    await child.status;
  }
});
