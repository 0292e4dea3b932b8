import assert from "node:assert/strict";
import { McpServer } from "../../mod.ts";
import { connectHttp, LEGS, listen } from "../support/legs.ts";
import { textOf } from "../support/clients.ts";

const ROOTS = [{ uri: "file:///work", name: "work" }];

for (const leg of LEGS.filter(({ place }) => place === "http")) {
  Deno.test(`server.server asks the client of the handler that asks first of all (${leg.name})`, async () => {
    await using server = new McpServer({ name: "s", version: "1.0.0" }, {
      log: () => {},
    });
    server.registerTool("roots", {}, async () => {
      const { roots } = await server.server.listRoots();
      return JSON.stringify(roots);
    });
    server.registerTool("late", {}, async () => {
      await Promise.resolve();
      const { roots } = await server.server.listRoots();
      return JSON.stringify(roots);
    });
    await using running = await listen(server);
    await using client = await connectHttp(leg, running.url, {
      capabilities: { roots: {} },
      answers: { "roots/list": () => ({ roots: ROOTS }) },
    });
    assert.deepEqual(JSON.parse(textOf(await client.tool("roots"))), ROOTS);
    const late = textOf(await client.tool("late"));
    if (leg.era === "modern") assert.match(late, /ask through ctx/);
    else assert.deepEqual(JSON.parse(late), ROOTS);
  });
}
