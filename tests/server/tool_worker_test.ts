import assert from "node:assert/strict";
import { z } from "zod";
import {
  InvalidOptionError,
  type LogRecord,
  McpServer,
  type ToolWorkerOptions,
} from "../../mod.ts";
import { textOf } from "../support/clients.ts";
import { eventually } from "../support/eventually.ts";
import { connectHttp, LEGS, listen } from "../support/legs.ts";
import { stuckThreads } from "../../src/pool/worker/stuck_threads.ts";

const MODULE = new URL("./fixtures/counting_tool.ts", import.meta.url);
const inputSchema = z.object({ do: z.string(), n: z.number().default(0) });

function workerServer(options: Omit<ToolWorkerOptions, "module"> = {}) {
  const log: LogRecord[] = [];
  const server = new McpServer({ name: "workers", version: "1.0.0" }, {
    log: (record) => log.push(record),
  });
  server.registerTool("work", {
    inputSchema,
    worker: { module: MODULE, max: 1, ...options },
  });
  server.registerTool("echo", {}, () => "echoed");
  return { server, log };
}

async function call(
  server: McpServer,
  name: string,
  args?: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const { resultType: _, _meta: __, ...result } = await server.call(
    "tools/call",
    { name, ...(args && { arguments: args }) },
  );
  return result;
}

const text = (text: string) => ({ content: [{ type: "text", text }] });
const failure = (said: string) => ({ ...text(said), isError: true });

Deno.test("a tool's worker answers as its handler would", async () => {
  await using server = workerServer().server;
  server.registerTool("plain", { worker: MODULE });
  assert.deepEqual(await call(server, "plain"), text("no arguments"));
  assert.deepEqual(await call(server, "work", { do: "structured", n: 3 }), {
    ...text('{"total":3}'),
    structuredContent: { total: 3 },
  });
  assert.deepEqual(
    await call(server, "work", { do: "throw" }),
    failure("the worker says no"),
  );
});

Deno.test("arguments and results of a worker are checked as ever", async () => {
  await using server = workerServer().server;
  server.registerTool("strict", {
    inputSchema,
    outputSchema: z.object({ total: z.number().max(5) }),
    worker: MODULE,
  });
  const said = async (name: string, args: Record<string, unknown>) => {
    const { isError, content } = await call(server, name, args);
    assert.equal(isError, true);
    return (content as { text: string }[])[0].text;
  };
  assert.match(await said("work", { do: 5 }), /^Input validation error/);
  assert.match(
    await said("strict", { do: "structured", n: 9 }),
    /^Output validation error/,
  );
  assert.match(await said("work", { do: "map" }), /Map/);
});

Deno.test("a worker that ends costs its own call an error, and says so", async () => {
  const { server, log } = workerServer();
  assert.deepEqual(
    await call(server, "work", { do: "exit" }),
    failure("tool work ended by itself: exit code 3"),
  );
  assert.deepEqual(
    await call(server, "work", { do: "structured", n: 1 }).then((result) =>
      result.structuredContent
    ),
    { total: 1 },
  );
  assert.equal(log.filter(({ level }) => level === "error").length, 1);
  await server.close();
});

Deno.test("while a worker computes, the server answers others", async () => {
  await using server = workerServer({ timeoutMs: 300 }).server;
  await call(server, "work", { do: "structured", n: 1 });
  let over = false;
  const computing = call(server, "work", { do: "endless" })
    .finally(() => over = true);
  let echoes = 0;
  while (!over) {
    assert.deepEqual(await call(server, "echo"), text("echoed"));
    echoes++;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal((await computing).isError, true);
  assert(echoes > 3, String(echoes));
});

Deno.test("a tool's timeoutMs holds in its worker", async () => {
  await using server = workerServer().server;
  server.registerTool("hasty", {
    inputSchema,
    timeoutMs: 2_000,
    worker: MODULE,
  });
  const small = () => call(server, "hasty", { do: "structured", n: 2 });
  const { structuredContent } = await small();
  assert.deepEqual(structuredContent, { total: 2 });
  const { content, isError } = await call(server, "hasty", { do: "endless" });
  assert.equal(isError, true);
  assert.match((content as { text: string }[])[0].text, /longer than 2000 ms/);
  assert.deepEqual((await small()).structuredContent, { total: 2 });
  const pool = server.readMetrics().instruments.worker_pool
    .find(({ labels }) => labels.name === "tool hasty");
  assert.equal(pool?.values.started, 2);
});

for (const leg of LEGS.filter(({ place }) => place === "http")) {
  Deno.test(`steps, log and cancelling come across (${leg.name})`, async () => {
    const { server } = workerServer({ timeoutMs: 20_000 });
    const running = await listen(server);
    await using client = await connectHttp(leg, running.url);
    const heard: unknown[] = [];
    const counted = await client.tool("work", { do: "count", n: 3 }, {
      onprogress: (progress) => heard.push(progress),
    });
    assert.equal(textOf(counted), "counted to 3");
    assert.deepEqual(
      heard,
      [1, 2, 3].map((progress) => ({ progress, total: 3, message: "on" })),
    );
    const controller = new AbortController();
    const looping = client.tool("work", { do: "loop" }, {
      signal: controller.signal,
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    controller.abort();
    await assert.rejects(looping);
    // The loop has looked at its signal: there is one worker, and it is free.
    assert.equal(
      textOf(await client.tool("work", { do: "log" })),
      "logged",
    );
    await running.shutdown();
  });
}

Deno.test("while a thread can't be ended, the server isn't ready", async () => {
  const { server } = workerServer();
  const ready = async () => {
    const url = "http://localhost/health/ready";
    const response = await server.fetch(new Request(url));
    return [response.status, (await response.json()).status];
  };
  await eventually(async () => (await ready())[0] === 200);
  const stuck = {};
  stuckThreads.add(stuck);
  assert.deepEqual(await ready(), [503, "stuck"]);
  stuckThreads.delete(stuck);
  assert.deepEqual(await ready(), [200, "ready"]);
  await server.close();
});

Deno.test("a worker that can't be one is refused by name", () => {
  const refused: [object, unknown, RegExp][] = [
    [
      { worker: "./a.ts" },
      undefined,
      /^tool t: worker must be the URL of a mod/,
    ],
    [{ worker: { module: "./a.ts" } }, undefined, /module must be a URL/],
    [{ worker: { module: MODULE, maxx: 1 } }, undefined, /no option "maxx"/],
    [{ worker: MODULE }, () => 1, /^tool t has a worker and a handler/],
    [{}, undefined, /needs a function/],
  ];
  const server = new McpServer({ name: "workers", version: "1.0.0" });
  for (const [config, handler, said] of refused) {
    assert.throws(
      () => server.registerTool("t", config as object, handler as () => string),
      (error: Error) =>
        error instanceof InvalidOptionError && said.test(error.message),
      String(said),
    );
  }
});
