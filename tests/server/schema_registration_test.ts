import { Client } from "@modelcontextprotocol/client";
import { Client as V1Client } from "@modelcontextprotocol/sdk/client/index.js";
import assert from "node:assert/strict";
import { z } from "zod";
import {
  linkedPair,
  McpServer,
  type SchemaLike,
  type Transport,
} from "../../mod.ts";

function makeServer() {
  return new McpServer({ name: "s", version: "1" }, { log: () => {} });
}

Deno.test("a fault in a schema is told at registration, by name and field", async () => {
  await using server = makeServer();
  const input = (inputSchema: SchemaLike) => () =>
    server.registerTool("book_room", { inputSchema }, () => "");
  const output = (outputSchema: SchemaLike) => () =>
    server.registerTool("book_room", { outputSchema }, () => ({}));
  const prompt = (argsSchema: SchemaLike) => () =>
    server.registerPrompt("plan", { argsSchema }, () => "");
  const faulty: [() => unknown, RegExp][] = [
    [
      input({ type: "object", properties: { n: { type: "float" } } }),
      /^tool book_room: inputSchema\.properties\.n\.type must be one of/,
    ],
    [
      output({ type: "object", properties: { n: { $ref: "#/$defs/N" } } }),
      /^tool book_room: outputSchema\.properties\.n\.\$ref .* leads nowhere/,
    ],
    [
      input(z.object({ stay: z.object({ from: z.date() }) })),
      /^tool book_room: inputSchema\.stay\.from: Date/,
    ],
    [
      input({
        type: "object",
        properties: { n: { type: "number", "x-mcp-header": "N" } },
      }),
      /^tool book_room: inputSchema: x-mcp-header at n must be on a string/,
    ],
    [
      prompt({ days: z.number() }),
      /^prompt plan: argument days takes no string/,
    ],
    [
      prompt({ type: "object", properties: { a: { pattern: "[" } } }),
      /^prompt plan: argsSchema\.properties\.a\.pattern must be a regular/,
    ],
  ];
  for (const [register, message] of faulty) {
    assert.throws(register, { message });
  }
  const handle = server.registerTool("book_room", {}, () => "");
  assert.throws(
    () => handle.update({ outputSchema: { type: "text" } }),
    /^InvalidOptionError: tool book_room: outputSchema\.type must be/,
  );
});

Deno.test("official clients of the legacy era take output schemas that point at themselves", async (t) => {
  const node = z.object({
    name: z.string(),
    get children() {
      return z.array(node);
    },
  });
  const outputs: Record<string, [SchemaLike, unknown]> = {
    zod: [z.array(node), [{ name: "a", children: [] }]],
    any: [z.json(), { a: [1, null] }],
    root: [{ type: "array", items: { anyOf: [{ $ref: "#" }, {}] } }, [1, [2]]],
    part: [
      {
        type: "array",
        items: { type: "object", properties: { next: { $ref: "#/items" } } },
      },
      [{ next: { next: {} } }],
    ],
    bundled: [
      {
        $id: "https://example.com/words",
        type: "array",
        items: { $ref: "#/$defs/word" },
        $defs: { word: { type: "string" } },
      },
      ["a"],
    ],
  };
  await using server = makeServer();
  for (
    const [name, [outputSchema, structuredContent]] of Object.entries(outputs)
  ) {
    server.registerTool(name, { outputSchema }, () => ({
      content: [],
      structuredContent,
    }));
  }
  for (const Each of [Client, V1Client]) {
    const [near, far] = linkedPair();
    await server.connect(far);
    const client = new Each({ name: "c", version: "1" });
    await client.connect(near as Transport as never);
    const { tools } = await client.listTools();
    for (const { name } of tools) {
      await t.step(`${Each.name}: ${name}`, async () => {
        const { structuredContent } = await client.callTool({
          name,
          arguments: {},
        });
        assert.deepEqual(structuredContent, { result: outputs[name][1] });
      });
    }
    await client.close();
  }
});
