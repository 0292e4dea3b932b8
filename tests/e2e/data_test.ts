import assert from "node:assert/strict";
import { z } from "zod";
import { fromJsonSchema, McpServer, type SchemaLike } from "../../mod.ts";
import { type Loose, textOf } from "../support/clients.ts";
import { connectMemory } from "../support/legs.ts";

/** What handlers return is data unless it is a result; official clients judge. */

const CLIENTS = [
  { generation: "v1", era: "legacy" },
  { generation: "v2", era: "legacy" },
  { generation: "v2", era: "modern" },
] as const;

/** Calls a tool that returns a value, from each of the official clients. */
async function fromAll(
  value: unknown,
  look: (result: Loose, era: string) => void,
  outputSchema?: SchemaLike,
): Promise<void> {
  for (const leg of CLIENTS) {
    const server = new McpServer({ name: "data", version: "1.0.0" }, {
      log: () => {},
    });
    server.registerTool(
      "t",
      outputSchema === undefined ? {} : { outputSchema },
      () => value as object,
    );
    await using client = await connectMemory(leg, server);
    // The clients check structured content against the listed schema.
    await client.raw.listTools();
    look(await client.raw.callTool({ name: "t" }), leg.era);
    await server.close();
  }
}

const block = { type: "text", text: "hello" };

Deno.test("without a schema, only what is wholly a result is one", async () => {
  const data = [
    { title: "T", content: [] },
    { title: "T", content: [block] },
    { content: ["one", "two"] },
    { content: "text" },
    { content: [block, { type: "mention", id: 1 }] },
    { isError: false, code: 4 },
    { isError: true, reason: "none" },
    { resultType: "rows", rows: [1] },
    { resultType: "task", title: "wash up" },
    { resultType: "input_required", fields: ["name"] },
    { resultType: "complete", share: 1 },
    { structuredContent: { a: 1 }, kind: "wrapped" },
    { _meta: { a: 1 } },
    { content: [block], _meta: "x" },
    { messages: [{ role: "user" }] },
    { contents: [{ uri: "a:b" }] },
    { next: 5, items: [] },
  ];
  for (const value of data) {
    await fromAll(value, (result) => {
      assert.deepEqual(result.structuredContent, value);
      assert.deepEqual(JSON.parse(textOf(result)), value);
      assert.notEqual(result.isError, true);
    });
  }
  const results = [
    { content: [block] },
    { content: [] },
    { content: [block], isError: true },
    { content: [block], structuredContent: { a: 1 }, _meta: { b: 2 } },
    { content: [{ ...block, annotations: { audience: ["user"] } }] },
    { content: [{ type: "resource_link", uri: "a:b", name: "b" }] },
    { content: [{ type: "audio", data: "AA==", mimeType: "audio/wav" }] },
    { content: [{ type: "resource", resource: { uri: "a:b", blob: "AA==" } }] },
  ];
  for (const value of results) {
    await fromAll(value, (result) => {
      const { _meta, content, structuredContent, isError } = result;
      assert.partialDeepStrictEqual(
        { _meta, content, structuredContent, isError },
        value,
      );
    });
  }
});

Deno.test("blocks that official clients would refuse are told of", async () => {
  const broken = [
    { type: "text" },
    { type: "image", data: "not base64!", mimeType: "image/png" },
    { type: "image", data: "AA==" },
    { type: "resource_link", uri: "a:b" },
    { type: "resource", resource: { uri: "a:b" } },
    { ...block, annotations: { priority: 2 } },
    { ...block, _meta: 5 },
  ];
  for (const each of broken) {
    await fromAll({ content: [block, each] }, (result) => {
      assert.equal(result.isError, true);
      assert.match(textOf(result), /content\[1\] is no content block/);
    });
  }
  // Rows with a column `type` are rows.
  const rows: unknown[][] = [
    [{ type: "image", id: 1 }],
    [{ ...block, id: 1 }],
    [block, { ...block, marks: ["bold"] }],
  ];
  for (const each of rows) {
    await fromAll(each, (result) => {
      assert.equal(textOf(result), JSON.stringify(each));
    });
  }
});

Deno.test("a declared schema decides what is data", async () => {
  const described: [SchemaLike, unknown][] = [
    [z.object({ title: z.string(), content: z.array(z.string()) }), {
      title: "T",
      content: ["one"],
    }],
    [z.object({ isError: z.boolean(), code: z.number() }), {
      isError: true,
      code: 4,
    }],
    [z.object({ content: z.array(z.looseObject({})) }), { content: [block] }],
    [z.object({ structuredContent: z.string() }), { structuredContent: "x" }],
    [z.record(z.string(), z.array(z.unknown())), { content: [] }],
    [z.object({ resultType: z.string() }), { resultType: "rows" }],
  ];
  for (const [schema, value] of described) {
    await fromAll(value, (result) => {
      assert.deepEqual(result.structuredContent, value);
      assert.notEqual(result.isError, true);
    }, schema);
  }
  const blocks = [block];
  await fromAll(blocks, ({ structuredContent }, era) => {
    assert.deepEqual(
      structuredContent,
      era === "modern" ? blocks : { result: blocks },
    );
  }, z.array(z.looseObject({ type: z.string() })));
  // Full results are still results.
  const schema = z.object({ n: z.number() });
  await fromAll(
    { content: [block], structuredContent: { n: 1 } },
    (result) => {
      assert.deepEqual(result.structuredContent, { n: 1 });
      assert.equal(textOf(result), "hello");
    },
    schema,
  );
  await fromAll({ content: [block], isError: true }, (result) => {
    assert.equal(result.isError, true);
    assert.equal(textOf(result), "hello");
  }, schema);
});

Deno.test("what is sent is what the schema has made of it", async () => {
  const row = z.object({ id: z.number(), unit: z.string().default("kg") });
  const parsed: [SchemaLike, value: unknown, sent: unknown][] = [
    [row, { id: 1, password_hash: "abc" }, { id: 1, unit: "kg" }],
    [z.object({ rows: z.array(row) }), { rows: [{ id: 2, x: 1 }] }, {
      rows: [{ id: 2, unit: "kg" }],
    }],
    [{ id: z.number() }, { id: 3, secret: "s" }, { id: 3 }],
    [z.object({ n: z.coerce.number() }), { n: "5" }, { n: 5 }],
    // Checked after serialisation.
    [z.object({ at: z.iso.datetime() }), { at: new Date(0) }, {
      at: "1970-01-01T00:00:00.000Z",
    }],
    [z.object({ url: z.url() }), { url: new URL("http://a/b") }, {
      url: "http://a/b",
    }],
    [z.strictObject({ a: z.number() }), { a: 1, b: undefined }, { a: 1 }],
    [
      fromJsonSchema({
        type: "object",
        properties: { at: { type: "string" } },
        additionalProperties: false,
      }),
      { at: new Date(0), gone: undefined },
      { at: "1970-01-01T00:00:00.000Z" },
    ],
  ];
  for (const [schema, value, sent] of parsed) {
    await fromAll(value, (result) => {
      assert.deepEqual(result.structuredContent, sent);
      assert.deepEqual(JSON.parse(textOf(result)), sent);
    }, schema);
    // A text of the handler's own that mirrors the data follows it.
    const text = JSON.stringify(value, null, 2);
    await fromAll(
      {
        content: [{ type: "text", text }, block],
        structuredContent: value,
      },
      (result) => {
        assert.equal(textOf(result), JSON.stringify(sent, null, 2));
        assert.deepEqual(result.content[1], block);
      },
      schema,
    );
  }
  // A hole is null once it arrives, and so it is for the schema.
  // deno-lint-ignore no-sparse-arrays
  await fromAll({ ns: [1, , 3] }, (result) => {
    assert.equal(result.isError, true);
    assert.match(textOf(result), /ns/);
  }, z.object({ ns: z.array(z.number()) }));
});

Deno.test("results of any JSON value suit clients of both eras", async () => {
  for (const value of [[1, 2], 5, "x", null]) {
    await fromAll({ structuredContent: value }, (result, era) => {
      assert.deepEqual(
        result.structuredContent,
        era === "modern" ? value : { result: value },
      );
      assert.deepEqual(JSON.parse(textOf(result)), value);
    });
  }
  await fromAll(new Date(0), (result) => {
    assert.equal(textOf(result), "1970-01-01T00:00:00.000Z");
  });
});

Deno.test("prompts and resources: results that clients take, or data", async () => {
  for (const leg of CLIENTS) {
    const server = new McpServer({ name: "data", version: "1.0.0" }, {
      log: () => {},
    });
    const prompts: Record<string, [value: unknown, says?: RegExp]> = {
      full: [{
        description: "d",
        messages: [{ role: "user", content: block }],
      }],
      list: [[{ role: "assistant", content: block }]],
      role: [
        { messages: [{ role: "system", content: block }] },
        /messages\[0\]/,
      ],
      bare: [[{ role: "user", content: "hi" }], /messages\[0\] is no message/],
      data: [{ title: "x" }, /must return/],
      map: [
        { messages: [{ role: "user", content: block, x: new Map() }] },
        /a Map can't be sent as JSON \(messages\[0\]\.x\)/,
      ],
      text: [{ description: 5, messages: [] }, /description must be a string/],
    };
    for (const [name, [value]] of Object.entries(prompts)) {
      server.registerPrompt(name, {}, () => value as string);
    }
    const contents = [{ uri: "a:b", text: "x" }];
    const resources: Record<string, [value: unknown, isResult: boolean]> = {
      full: [{ contents }, true],
      none: [{ contents: [] }, true],
      titled: [{ title: "T", contents }, false],
      names: [{ contents: ["a", "b"] }, false],
      rows: [{ contents: [{ id: 1 }] }, false],
      result: [{ resultType: "input_required", a: 1 }, false],
    };
    for (const [name, [value]] of Object.entries(resources)) {
      server.registerResource(name, `r://${name}`, {}, () => value as object);
    }
    server.registerResource("bad", "r://bad", {}, () => ({
      contents: [{ uri: "a:b", blob: "no base64!" }],
    }));
    await using client = await connectMemory(leg, server);
    for (const [name, [, says]] of Object.entries(prompts)) {
      const got = client.raw.getPrompt({ name });
      if (says === undefined) assert.equal((await got).messages.length, 1);
      else await assert.rejects(got, says);
    }
    for (const [name, [value, isResult]] of Object.entries(resources)) {
      const got = await client.raw.readResource({ uri: `r://${name}` });
      if (isResult) assert.partialDeepStrictEqual(got, value);
      else assert.deepEqual(JSON.parse(got.contents[0].text), value);
    }
    await assert.rejects(
      client.raw.readResource({ uri: "r://bad" }),
      /contents\[0\]/,
    );
    await server.close();
  }
});
