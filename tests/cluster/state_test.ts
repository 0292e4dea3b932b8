import assert from "node:assert/strict";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { McpServer } from "../../mod.ts";
import { connectV2, textOf } from "../support/clients.ts";
import { eventually } from "../support/eventually.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";

function replica(name: string, redis: TestRedis): McpServer {
  const server = new McpServer({ name: "shared", version: "1.0.0" }, {
    redis: redis.url,
    log: () => {},
    health: { cacheMs: 0 },
  });
  server.registerTool("ask", {}, async (ctx) => {
    const { action } = await ctx.elicit({
      message: "sure?",
      requestedSchema: { type: "object", properties: {} },
    });
    return `${name} heard ${action}`;
  });
  return server;
}

async function reached(server: McpServer): Promise<void> {
  await eventually(async () =>
    (await server.health.run()).checks.redis?.status === "healthy"
  );
}

Deno.test({
  name:
    "what one replica asks, another takes the answer to, without a key of one's own",
  ignore: ignoreWithoutRedis,
  fn: async () => {
    await using redis = await TestRedis.start();
    await using a = replica("a", redis);
    await using b = replica("b", redis);
    await reached(a);
    await reached(b);
    let turn = 0;
    const transport = new StreamableHTTPClientTransport(
      new URL("http://localhost/mcp"),
      {
        fetch: (url: string | URL, init?: RequestInit) =>
          Promise.resolve(
            [a, b][turn++ % 2].fetch(new Request(url, init)),
          ),
      },
    );
    await using client = await connectV2(transport, "modern", {
      capabilities: { elicitation: { form: {} } },
      answers: {
        "elicitation/create": () => ({ action: "accept", content: {} }),
      },
    });
    const heard = new Set<string>();
    for (let i = 0; i < 3; i++) {
      heard.add(textOf(await client.tool("ask")));
      turn++;
    }
    assert.deepEqual([...heard].toSorted(), [
      "a heard accept",
      "b heard accept",
    ]);
    // A Redis that comes back empty gets the key that is in use.
    await redis.kill();
    await redis.restart();
    await reached(a);
    await reached(b);
    assert.match(textOf(await client.tool("ask")), /heard accept/);
  },
});
