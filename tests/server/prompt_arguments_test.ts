import assert from "node:assert/strict";
import { z } from "zod";
import { fromJsonSchema, McpServer, type SchemaLike } from "../../mod.ts";

Deno.test("a prompt's argument that no string fits is refused at registration", () => {
  const server = new McpServer({ name: "prompts", version: "1.0.0" });
  let prompts = 0;
  const register = (argsSchema: SchemaLike) =>
    server.registerPrompt(`p${prompts++}`, { argsSchema }, () => "x");
  const number = { type: "integer" };
  for (
    const field of [
      z.number(),
      z.number().optional(),
      z.boolean().default(true),
      z.array(z.string()),
      z.object({ a: z.string() }),
      z.literal(5),
      z.null(),
      z.union([z.number(), z.boolean()]),
      z.number().nullable(),
    ]
  ) {
    for (
      const schema of [z.object({ a: z.string(), f: field }), { f: field }]
    ) {
      assert.throws(
        () => register(schema),
        {
          code: "SLUICE_INVALID_OPTION",
          message: /argument f takes no string/,
        },
      );
    }
  }
  for (
    const field of [
      number,
      { $ref: "#/$defs/n" },
      { anyOf: [number, { type: "null" }] },
      { allOf: [{ minimum: 1 }, number] },
      { enum: [1, 2] },
      { const: true },
    ]
  ) {
    const schema = {
      type: "object",
      properties: { f: field },
      $defs: { n: number },
    };
    assert.throws(() => register(schema), /argument f takes no string/);
    assert.throws(() => register(fromJsonSchema(schema)), /argument f/);
  }
  for (
    const field of [
      z.string(),
      z.enum(["a", "b"]),
      z.coerce.number(),
      z.coerce.boolean().optional(),
      z.stringbool(),
      z.string().transform(Number),
      z.preprocess((text) => JSON.parse(String(text)), z.array(z.number())),
      z.union([z.number(), z.string()]),
      z.any(),
      z.email().optional(),
    ]
  ) {
    register(z.object({ f: field }));
    register({ f: field });
  }
  register({
    type: "object",
    properties: {
      a: {},
      b: { type: ["string", "null"] },
      c: { enum: [1, "x"] },
    },
  });
  const handle = register({ a: z.string() });
  assert.throws(
    () => handle.update({ argsSchema: { n: z.number() } }),
    /n takes/,
  );
});
