import Ajv from "ajv/dist/2020.js";
import assert from "node:assert/strict";
import { z } from "zod";
import { fromJsonSchema } from "../../src/protocol/json_schema.ts";
import {
  readSchema,
  type SchemaLike,
  wrapSchema,
} from "../../src/protocol/schema.ts";
import type { JsonSchema } from "../../src/protocol/standard_schema.ts";

const DIALECT = "https://json-schema.org/draft/2020-12/schema";

function accepts(schema: JsonSchema, value: unknown): boolean {
  const result = fromJsonSchema(schema)["~standard"].validate(value);
  return !(result instanceof Promise) && result.issues === undefined;
}

/** Asks ajv, as most clients do; it knows most of JSON Schema. */
function ajvAccepts(schema: JsonSchema, value: unknown): boolean {
  return new Ajv.default({ strict: false }).validate(schema, value);
}

Deno.test("a wrapped schema accepts what it accepted", async (t) => {
  const text = { type: "string" };
  const wrapped: Record<string, [JsonSchema, good: unknown, bad: unknown]> = {
    "the root itself": [
      { type: "array", items: { anyOf: [{ type: "number" }, { $ref: "#" }] } },
      [1, [2]],
      [[""]],
    ],
    "a part of it": [
      {
        type: "array",
        items: { properties: { next: { $ref: "#/items" } }, required: ["a"] },
      },
      [{ a: 1, next: { a: 1 } }],
      [{ a: 1, next: {} }],
    ],
    "$defs that refer to one another": [
      {
        $ref: "#/$defs/a",
        $defs: { a: { items: { $ref: "#/$defs/b~1c d" } }, "b/c d": text },
      },
      ["x"],
      [1],
    ],
    "draft 7's definitions": [
      { items: { $ref: "#/definitions/a" }, definitions: { a: text } },
      ["x"],
      [1],
    ],
    "an anchor": [
      { items: { $ref: "#it" }, $defs: { a: { $anchor: "it", ...text } } },
      ["x"],
      [1],
    ],
    "a dynamic anchor": [
      {
        $dynamicAnchor: "node",
        anyOf: [text, { type: "array", items: { $dynamicRef: "#node" } }],
      },
      [["x"]],
      [[1]],
    ],
    "a dynamic reference by place": [
      { items: { $dynamicRef: "#/$defs/a" }, $defs: { a: text } },
      ["x"],
      [1],
    ],
    "an $id at the root": [
      {
        $id: "https://example.com/list",
        type: "array",
        items: { $ref: "#/$defs/a" },
        $defs: { a: { anyOf: [text, { $ref: "list" }] } },
      },
      ["x", ["y"]],
      [1],
    ],
    "a bundled schema with references of its own": [
      {
        items: { $ref: "https://example.com/a" },
        $defs: {
          a: {
            $id: "https://example.com/a",
            $ref: "#/$defs/b",
            $defs: { b: text },
          },
          b: { type: "null" },
        },
      },
      ["x"],
      [1],
    ],
    "a place that JSON Schema doesn't know": [
      {
        items: { $ref: "#/components/schemas/a" },
        components: {
          schemas: { a: { $ref: "#/components/schemas/b" }, b: text },
        },
      },
      ["x"],
      [1],
    ],
    "properties that are called like keywords": [
      {
        items: {
          properties: {
            $ref: { $ref: "#/$defs/a" },
            const: { $ref: "#/$defs/a" },
            default: { $ref: "#/$defs/a" },
          },
        },
        $defs: { a: text },
      },
      [{ $ref: "x", const: "x", default: "x" }],
      [{ default: 1 }],
    ],
    "data that looks like references": [
      { enum: [[{ $ref: "#/a" }]], default: { $ref: "#" } },
      [{ $ref: "#/a" }],
      [{ $ref: "#/properties/result/a" }],
    ],
  };
  const beyondAjv = new Set([
    "a dynamic reference by place",
    "a bundled schema with references of its own",
  ]);
  for (const [name, [schema, good, bad]] of Object.entries(wrapped)) {
    await t.step(name, () => {
      const before = structuredClone(schema);
      const wrapped = wrapSchema(schema, "result");
      assert.equal(accepts(schema, good), true);
      assert.equal(accepts(schema, bad), false);
      assert.equal(accepts(wrapped, { result: good }), true);
      assert.equal(accepts(wrapped, { result: bad }), false);
      assert.equal(accepts(wrapped, {}), false);
      assert.deepEqual(schema, before);
      if (beyondAjv.has(name)) return;
      assert.equal(ajvAccepts(wrapped, { result: good }), true);
      assert.equal(ajvAccepts(wrapped, { result: bad }), false);
    });
  }
});

Deno.test("whatever is data stays as it was when a schema is wrapped", () => {
  const data = {
    default: { $ref: "#/a" },
    examples: [{ $ref: "#" }],
    const: { $ref: "#/b", properties: { c: { $ref: "#/d" } } },
    "x-origin": { $ref: "#/e" },
  };
  const schema = { items: { ...data, $ref: "#" } };
  assert.deepEqual(wrapSchema(schema, "result").properties, {
    result: { items: { ...data, $ref: "#/properties/result" } },
  });
});

Deno.test("$schema stands at the root alone", () => {
  const list = wrapSchema(z.toJSONSchema(z.array(z.string())), "result");
  assert.deepEqual(list, {
    $schema: DIALECT,
    type: "object",
    properties: { result: { type: "array", items: { type: "string" } } },
    required: ["result"],
  });

  const shape = { a: z.string(), b: z.number().optional() };
  assert.deepEqual(readSchema(shape, "input", "x").json, {
    $schema: DIALECT,
    type: "object",
    properties: { a: { type: "string" }, b: { type: "number" } },
    required: ["a"],
  });
});

Deno.test("a field of a record keeps its references", () => {
  const node = z.object({
    name: z.string(),
    get children() {
      return z.array(node);
    },
  });
  const tree = { name: "a", children: [{ name: "b", children: [] }] };
  const broken = { name: "a", children: [{ name: 1, children: [] }] };
  const shape = { "a/b ~": node, any: z.json() };
  const { json } = readSchema(shape, "input", "x");
  assert.equal(ajvAccepts(json, { "a/b ~": tree, any: [{ a: [null] }] }), true);
  assert.equal(ajvAccepts(json, { "a/b ~": broken, any: 1 }), false);
});

Deno.test("what a library can't say as JSON Schema is told by its field", () => {
  const faulty: [SchemaLike, RegExp][] = [
    [z.object({ when: z.date() }), /^t: x\.when: Date cannot be represented/],
    [
      z.object({
        a: z.string(),
        at: z.object({ from: z.map(z.string(), z.any()) }),
      }),
      /^t: x\.at\.from: Map cannot/,
    ],
    [{ n: z.bigint() }, /^t: x\.n: BigInt cannot/],
    [{ s: z.object({ u: z.symbol() }) }, /^t: x\.s\.u: Symbol/],
    [z.array(z.date()), /^t: x: Date cannot/],
    [z.string(), /^t: x must describe an object, got type "string"/],
    [
      "text" as unknown as SchemaLike,
      /^t: x: a schema must be a Standard Schema/,
    ],
    [
      { name: "string" },
      /^t: x\.name must be a Standard Schema .*, got "string"; and "name" is no/,
    ],
    [
      { name: { type: "string" } },
      /^t: x\.name must be a Standard Schema .*"name" is no keyword of JSON Schema/,
    ],
    [
      { type: z.string(), count: 3 } as unknown as SchemaLike,
      /^t: x\.count must be a Standard Schema .*, got 3$/,
    ],
  ];
  for (const [schema, message] of faulty) {
    assert.throws(() => readSchema(schema, "input", "t: x"), {
      name: "InvalidOptionError",
      message,
    });
  }
});
