import assert from "node:assert/strict";
import { HttpPool, McpServer } from "../../mod.ts";
import { textOf } from "../support/clients.ts";

Deno.test("the URL of a failed HTTP request stays with the operator, unless asked", async () => {
  const upstream = Deno.serve(
    { port: 0, onListen: () => {} },
    () => new Response("", { status: 418 }),
  );
  const { port } = upstream.addr;
  const secret = `http://127.0.0.1:${port}/internal?key=hunter2`;
  await using pool = new HttpPool();
  const failures = {
    status: () => pool.getText(secret),
    json: () => pool.getJson(secret),
    beneath: async () => {
      const [{ reason }] = await Promise.allSettled([
        pool.getText(secret),
      ]) as PromiseRejectedResult[];
      throw new AggregateError([reason], "both replicas failed");
    },
    cause: async () => {
      const cause = await pool.getText(secret).catch((error) => error);
      throw new Error("", { cause });
    },
  };
  for (const revealUrls of [false, true]) {
    const logged: string[] = [];
    await using server = new McpServer({ name: "front", version: "1.0.0" }, {
      revealUrls,
      log: ({ message }) => logged.push(message),
    });
    for (const [name, fail] of Object.entries(failures)) {
      server.registerTool(name, {}, fail);
      const text = textOf(await server.call("tools/call", { name }));
      assert.equal(text.includes(String(port)), revealUrls, `${name}: ${text}`);
      assert.match(logged.at(-1)!, /\/internal/, name);
      assert.doesNotMatch(text + logged.at(-1), /hunter2/, name);
    }
  }
  await upstream.shutdown();
});
