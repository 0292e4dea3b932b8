import assert from "node:assert/strict";
import { z } from "zod";
import {
  completable,
  HttpPool,
  McpServer,
  ResourceTemplate,
  Skill,
} from "../../mod.ts";
import { textOf } from "../support/clients.ts";

/** Registers what fails like this under a name, and says how to meet it. */
async function otherWays(
  server: McpServer,
  name: string,
  fail: () => Promise<never>,
): Promise<[method: string, params: Record<string, unknown>][]> {
  const argument = completable(z.string(), fail);
  server.registerPrompt(name, { argsSchema: { argument } }, fail);
  server.registerResource(name, `failing://${name}`, {}, fail);
  const template = new ResourceTemplate(`${name}://{id}`, {
    list: undefined,
    complete: { id: fail },
  });
  server.registerResource(`${name} of many`, template, {}, fail);
  server.server.setRequestHandler(
    `own/${name}`,
    { params: z.object({}) },
    fail,
  );
  server.registerSkill(
    await Skill.from({
      "SKILL.md": `---\nname: ${name}\ndescription: Fails\n---\n`,
      "now.json": fail,
    }),
  );
  const prompt = { type: "ref/prompt", name };
  const ref = { type: "ref/resource", uri: `${name}://{id}` };
  return [
    ["prompts/get", { name, arguments: { argument: "a" } }],
    ["resources/read", { uri: `failing://${name}` }],
    ["resources/read", { uri: `${name}://1` }],
    ["completion/complete", {
      ref: prompt,
      argument: { name: "argument", value: "" },
    }],
    ["completion/complete", { ref, argument: { name: "id", value: "" } }],
    ["resources/read", { uri: `skill://${name}/now.json` }],
    [`own/${name}`, {}],
  ];
}

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
      const ways = await otherWays(server, name, fail as () => Promise<never>);
      for (const [method, params] of ways) {
        const error = await server.call(method, params).then(
          () => assert.fail(`${method} did not fail`),
          ({ message }: Error) => message,
        );
        assert.equal(
          error.includes(String(port)),
          revealUrls,
          `${method} ${name}: ${error}`,
        );
        assert.match(logged.at(-1)!, /\/internal/, `${method} ${name}`);
      }
    }
  }
  await upstream.shutdown();
});
