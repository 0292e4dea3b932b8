import assert from "node:assert/strict";
import { z } from "zod";
import { McpServer } from "../../mod.ts";
import type { Loose } from "../support/clients.ts";
import { connectMemory, LEGS, overEveryLeg } from "../support/legs.ts";
import { SHOWCASE } from "./fixtures/source.ts";

const QUERY = z.object({ query: z.string(), limit: z.number().default(2) });
const HITS = z.object({ hits: z.array(z.string()) });

interface Notes {
  server: McpServer;
  /** What clients have told the server. */
  told: unknown[];
}

/** A server with methods of its own, and some of MCP's in its own way. */
function customised(): Notes {
  const told: unknown[] = [];
  const server = new McpServer({ name: "custom", version: "1.0.0" }, {
    log: () => {},
  });
  server.registerResource("note", "note://one", {}, () => "one");
  server.registerTool("change", {}, () => {
    server.sendResourceUpdated("note://one");
    return "changed";
  });
  const { server: low } = server;
  low.setRequestHandler(
    "acme/search",
    { params: QUERY, result: HITS },
    async ({ query, limit }, ctx) => {
      await ctx.mcpReq.notify({
        method: "acme/searching",
        params: { query },
      });
      return { hits: Array.from({ length: limit }, (_, n) => `${query} ${n}`) };
    },
  );
  low.setRequestHandler("acme/whole", ({ method, params }) => ({
    method,
    keys: Object.keys(params),
  }));
  low.setRequestHandler("resources/subscribe", ({ params }) => {
    told.push(params.uri);
  });
  low.setNotificationHandler(
    "acme/told",
    { params: QUERY },
    (params) => void told.push(params),
  );
  return { server, told };
}

for (const leg of LEGS.filter(({ place }) => place === "memory")) {
  Deno.test(`methods of one's own (${leg.name})`, async () => {
    const { server, told } = customised();
    await using _ = server;
    await using client = await connectMemory(leg, server);
    assert.deepEqual(
      (await client.ask("acme/search", { query: "q" })).hits,
      ["q 0", "q 1"],
    );
    assert.equal((await client.hears("acme/searching")).query, "q");
    await assert.rejects(client.ask("acme/search", { limit: 1 }), (error) => {
      const { code, message } = error as Loose;
      assert.equal(code, -32602);
      assert.match(message, /acme\/search: .*query/);
      return true;
    });
    const whole = await client.ask("acme/whole", { a: 1, b: 2 });
    assert.equal(whole.method, "acme/whole");
    assert.deepEqual(
      whole.keys.filter((key: string) => key !== "_meta"),
      ["a", "b"],
    );

    await client.raw.notification({
      method: "acme/told",
      params: { query: "psst", limit: 1 },
    });
    await client.ask("acme/whole", {});
    assert.deepEqual(told, [{ query: "psst", limit: 1 }]);
  });
}

for (const leg of LEGS) {
  if (leg.place !== "memory" || leg.era !== "legacy") continue;
  Deno.test(`an answer of one's own to resources/subscribe (${leg.name})`, async () => {
    const { server, told } = customised();
    await using _ = server;
    await using client = await connectMemory(leg, server);
    await client.raw.subscribeResource({ uri: "note://one" });
    assert.deepEqual(told, ["note://one"]);
    await client.tool("change");
    const { uri } = await client.hears("notifications/resources/updated");
    assert.equal(uri, "note://one");
  });
}

Deno.test("a method of the legacy era alone stays unknown to a modern client", async () => {
  const { server, told } = customised();
  await using _ = server;
  await assert.rejects(
    server.call("resources/subscribe", { uri: "note://one" }),
    { code: -32601 },
  );
  assert.deepEqual(told, []);
});

overEveryLeg("a ping is answered", SHOWCASE, async (connect) => {
  const client = await connect();
  await client.raw.ping();
}, ({ era }) => era === "legacy");
