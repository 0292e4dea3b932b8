import assert from "node:assert/strict";
import { InvalidParamsError, McpServer } from "../../mod.ts";
import { z } from "zod";

function echoServer(): McpServer {
  const server = new McpServer({ name: "test", version: "1.0.0" }, {
    log: () => {},
  });
  server.registerTool(
    "echo",
    { inputSchema: z.object({ text: z.string() }) },
    ({
      text,
    }) => text,
  );
  return server;
}

Deno.test("middleware wraps every request, the first registered outermost", async () => {
  const order: string[] = [];
  const server = echoServer()
    .use(async (request, next) => {
      order.push(`first ${request.method}`);
      const result = await next();
      order.push("first out");
      return result;
    })
    .use((_request, next) => {
      order.push("second");
      return next();
    });
  await server.call("tools/list");
  assert.deepEqual(order, ["first tools/list", "second", "first out"]);
  await server.close();
});

Deno.test("middleware can change what goes in and what comes out", async () => {
  const server = echoServer().use(async (request, next) => {
    const result = await next({
      ...request,
      params: { ...request.params, arguments: { text: "changed" } },
    });
    return { ...result, marked: true };
  });
  const result = await server.call("tools/call", {
    name: "echo",
    arguments: { text: "original" },
  });
  assert.deepEqual(result.content, [{ type: "text", text: "changed" }]);
  assert.equal(result.marked, true);
  await server.close();
});

Deno.test("middleware can answer itself, or refuse", async () => {
  const server = echoServer().use((request, next) => {
    if (request.method === "tools/list") return { tools: [] };
    if (request.params.name === "forbidden") {
      throw new InvalidParamsError("not for you");
    }
    return next();
  });
  assert.deepEqual((await server.call("tools/list")).tools, []);
  await assert.rejects(
    server.call("tools/call", { name: "forbidden" }),
    /not for you/,
  );
  await server.close();
});

Deno.test("middleware sees ready lists as objects, in full", async () => {
  let seen: unknown;
  const server = echoServer().use(async (_request, next) => {
    const result = await next();
    seen = result;
    return result;
  });
  const result = await server.call("tools/list");
  assert.equal((seen as { tools: unknown[] }).tools.length, 1);
  assert.equal((result.tools as { name: string }[])[0].name, "echo");
  assert.equal(result.resultType, "complete");
  assert.equal(result.ttlMs, 0);
  await server.close();
});
