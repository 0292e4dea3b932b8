import Ajv from "ajv/dist/2020.js";
import fc from "fast-check";
import assert from "node:assert/strict";
import { fromJsonSchema } from "../../src/protocol/json_schema.ts";
import { readSchema } from "../../src/protocol/schema.ts";
import {
  issuesText,
  type JsonSchema,
} from "../../src/protocol/standard_schema.ts";

/** What is wrong with a value, on one line; empty if nothing is. */
async function faults(schema: JsonSchema, value: unknown): Promise<string> {
  const { issues } = await fromJsonSchema(schema)["~standard"].validate(value);
  return issues === undefined ? "" : issuesText(issues);
}

/** Fails if `work` holds the event loop for longer than `ms`. */
async function within<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  const took = performance.now() - start;
  assert.ok(took < ms, `took ${took.toFixed()} ms`);
  return result;
}

const range = (length: number) => Array.from({ length }, (_, index) => index);

Deno.test("every keyword: what is right passes, what is wrong is named", async (t) => {
  const cases: [JsonSchema, good: unknown[], bad: [unknown, string][]][] = [
    [{ type: "integer" }, [1, 1.0], [[1.5, "must be integer"]]],
    [{ type: ["string", "null"] }, ["a", null], [[1, "must be string,null"]]],
    [{ type: "number", nullable: true }, [1, null], [[
      "",
      "must be number,null",
    ]]],
    [{ const: { a: [1] } }, [{ a: [1] }], [[
      { a: [2] },
      "must be equal to constant",
    ]]],
    [{ enum: ["1", [2]] }, ["1", [2]], [[
      1,
      "must be equal to one of the allowed values",
    ]]],
    [{ maximum: 2 }, [2, "3"], [[3, "must be <= 2"]]],
    [{ exclusiveMinimum: 2 }, [3], [[2, "must be > 2"]]],
    [{ multipleOf: 0.1 }, [0.3, 12.7], [[0.35, "must be multiple of 0.1"]]],
    [{ multipleOf: 2 }, [2 ** 53, -4, 0, 1e300], [
      [Number.MAX_SAFE_INTEGER, "must be multiple of 2"],
      [2 ** 52 + 1, "must be multiple of 2"],
      [-(2 ** 52) - 1, "must be multiple of 2"],
    ]],
    [{ multipleOf: 1_000 }, [2_500_000_000_000_000], [
      [2_500_000_000_000_001, "must be multiple of 1000"],
    ]],
    [{ maxLength: 2 }, ["🎲🎲"], [[
      "abc",
      "must NOT have more than 2 characters",
    ]]],
    [{ minLength: 2 }, ["ab"], [[
      "🎲",
      "must NOT have fewer than 2 characters",
    ]]],
    [{ minItems: 1 }, [[1]], [[[], "must NOT have fewer than 1 items"]]],
    [
      { items: { type: "string" }, prefixItems: [{ type: "number" }] },
      [[1, "a"], []],
      [[[1, 2], "1: must be string"]],
    ],
    [
      { prefixItems: [{}], items: false },
      [[1]],
      [[[1, 2], "1: must not be there"]],
    ],
    [
      { contains: { type: "number" }, maxContains: 1 },
      [[1, "a"]],
      [[["a"], "must contain at least 1 valid item(s)"]],
    ],
    [
      { uniqueItems: true },
      [[1, "1", [1], { a: 1 }, { a: "1" }]],
      [[
        [{ a: 1, b: 2 }, { b: 2, a: 1 }],
        "must NOT have duplicate items (item 1 is there before)",
      ]],
    ],
    [
      {
        required: ["a", "b"],
        properties: { a: { type: "string" }, c: { type: "null" } },
      },
      [{ a: "", b: 1 }, []],
      [[
        { a: 1, c: 2 },
        "must have required property 'b', a: must be string, c: must be null",
      ]],
    ],
    [
      {
        required: ["toString"],
        properties: { constructor: { type: "string" } },
      },
      [{ toString: 1 }],
      [[{}, "must have required property 'toString'"]],
    ],
    [
      {
        properties: { a: {} },
        patternProperties: { "^x-": { type: "string" } },
        additionalProperties: false,
      },
      [{ a: 1, "x-b": "" }],
      [[{ c: 1 }, "must NOT have additional properties (c)"], [
        { "x-b": 1 },
        "x-b: must be string",
      ]],
    ],
    [
      { propertyNames: { maxLength: 1 } },
      [{ a: 1 }],
      [[
        { ab: 1 },
        "must NOT have more than 1 characters, property name must be valid (ab)",
      ]],
    ],
    [
      {
        dependentRequired: { a: ["b"] },
        dependentSchemas: { c: { minProperties: 2 } },
      },
      [{ a: 1, b: 1 }],
      [
        [{ a: 1 }, "must have property b when property a is present"],
        [{ c: 1 }, "must NOT have fewer than 2 properties"],
      ],
    ],
    [
      { anyOf: [{ type: "string" }, { minimum: 3 }] },
      ["", 3],
      [[1, "must be string, must be >= 3, must match a schema in anyOf"]],
    ],
    [
      { oneOf: [{ minimum: 1 }, { maximum: 3 }] },
      [0, 4],
      [[2, "must match exactly one schema in oneOf"]],
    ],
    [{ not: { type: "string" } }, [1], [["", "must NOT be valid"]]],
    [
      {
        if: { type: "string" },
        then: { minLength: 1 },
        else: { type: "null" },
      },
      ["a", null],
      [["", 'must NOT have fewer than 1 characters, must match "then" schema']],
    ],
    [
      { allOf: [{ properties: { a: {} } }], unevaluatedProperties: false },
      [{ a: 1 }],
      [[
        { b: 1 },
        "b: must not be there, must NOT have unevaluated properties (b)",
      ]],
    ],
    [
      {
        $schema: "http://json-schema.org/draft-07/schema#",
        definitions: { a: { $id: "#text", type: "string" } },
        items: [{ $ref: "#text", maxLength: 0 }],
        additionalItems: { type: "number" },
        dependencies: { a: ["b"] },
      },
      [["ab", 1]],
      [[[1], "0: must be string"], [["", ""], "1: must be number"]],
    ],
  ];
  for (const [schema, good, bad] of cases) {
    await t.step(JSON.stringify(schema), async () => {
      for (const value of good) assert.equal(await faults(schema, value), "");
      for (const [value, text] of bad) {
        assert.equal(await faults(schema, value), text);
      }
    });
  }
});

Deno.test("schemas of any make agree with ajv", async () => {
  const leaf = fc.oneof(
    fc.constantFrom<JsonSchema>(
      { type: "string" },
      { type: ["integer", "null"] },
      { minimum: 1 },
      { maxLength: 1 },
      { enum: ["a", 1, null] },
      { const: [1] },
      { pattern: "^a|b$" },
      { uniqueItems: true },
      { $ref: "#/$defs/d" },
      { required: ["a"] },
    ),
  );
  const { schema } = fc.letrec<{ schema: JsonSchema; list: JsonSchema[] }>((
    tie,
  ) => ({
    list: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }),
    schema: fc.oneof(
      { depthSize: "small" },
      leaf,
      fc.record({
        properties: fc.dictionary(fc.constantFrom("a", "b"), tie("schema")),
        additionalProperties: fc.oneof(fc.boolean(), tie("schema")),
      }),
      fc.record({
        prefixItems: tie("list"),
        items: fc.oneof(fc.boolean(), tie("schema")),
      }),
      fc.record({ allOf: tie("list") }),
      fc.record({ anyOf: tie("list") }),
      fc.record({ oneOf: tie("list") }),
      fc.record({
        if: tie("schema"),
        then: tie("schema"),
        else: tie("schema"),
      }),
      fc.record({ not: tie("schema") }),
      fc.record({ contains: tie("schema"), maxContains: fc.constant(2) }),
    ),
  }));
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom<unknown>("a", "ab", "", 1, 2.5, 0, null, true),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom("a", "b", "c"), tie("value"), {
        noNullPrototype: true,
      }),
    ),
  })).value;
  const property = fc.asyncProperty(schema, value, async (schema, value) => {
    const whole = { ...schema, $defs: { d: { type: ["number", "array"] } } };
    const ajv = new Ajv.default({ strict: false });
    const good = ajv.validate(whole, value);
    assert.equal(await faults(whole, value) === "", good);
  });
  await fc.assert(property, { numRuns: 150 });
});

Deno.test("a schema that can't be used is refused at once, by tool and field", () => {
  const faulty: [unknown, RegExp][] = [
    [{ type: "str" }, /x\.p\.type must be one of array, .*, got "str"/],
    [{ type: [] }, /x\.p\.type must be one of/],
    [
      { type: "number", exclusiveMaximum: true },
      /x\.p\.exclusiveMaximum must be a number, got true/,
    ],
    [{ minimum: "1" }, /x\.p\.minimum must be a number, got "1"/],
    [{ maxLength: -1 }, /x\.p\.maxLength must be a whole number of at least 0/],
    [{ required: true }, /x\.p\.required must be a list of names, got true/],
    [{ enum: "a" }, /x\.p\.enum must be a list of values/],
    [{ multipleOf: 0 }, /x\.p\.multipleOf must be a number above 0/],
    [
      { items: [{}, {}] },
      /x\.p\.items must be a schema, got a list: say prefixItems/,
    ],
    [{ anyOf: [] }, /x\.p\.anyOf must be a list of schemas that is not empty/],
    [{ oneOf: [{}, "b"] }, /x\.p\.oneOf\.1 must be a schema, got "b"/],
    [
      { properties: { q: null } },
      /x\.p\.properties\.q must be a schema, got null/,
    ],
    [{ properties: [] }, /x\.p\.properties must be an object/],
    [{ not: 1 }, /x\.p\.not must be a schema, got 1/],
    [
      { pattern: "(" },
      /x\.p\.pattern must be a regular expression, got "\("/,
    ],
    [
      { patternProperties: { "[": {} } },
      /x\.p\.patternProperties must be an object of schemas by regular/,
    ],
    [{ $ref: "#/$defs/No" }, /x\.p\.\$ref "#\/\$defs\/No" leads nowhere/],
    [{ $ref: "#no" }, /x\.p\.\$ref "#no" leads nowhere/],
    [{ $dynamicRef: "#no" }, /x\.p\.\$dynamicRef "#no" leads nowhere/],
    [{ $ref: "#/%zz" }, /x\.p\.\$ref "#\/%zz" is no URI/],
    [{ $ref: "other.json" }, /x\.p\.\$ref "other\.json" leaves the document/],
    [
      { $ref: "https://example.com/a" },
      /leaves the document: put the definition under \$defs/,
    ],
    [
      { $defs: { a: { $id: "a:b" }, b: { $id: "a:b", not: {} } } },
      /b\.\$id "a:b" is there twice/,
    ],
  ];
  for (const [p, message] of faulty) {
    const schema = { type: "object", properties: { p } } as JsonSchema;
    const where = "tool t: x";
    assert.throws(() => readSchema(schema, "input", where), (error: Error) => {
      assert.equal(error.name, "InvalidOptionError");
      assert.match(error.message.replace("x.properties.p", "x.p"), message);
      return error.message.startsWith(where);
    });
  }
});

Deno.test("references and names inside values, and names of properties, are data", async () => {
  const schema = {
    const: { $ref: "#/nowhere", pattern: "(" },
    default: { $ref: "other.json", type: "str" },
    examples: [{ $id: "::" }],
    enum: [{ $ref: "#/nowhere", pattern: "(" }],
    properties: { $ref: {}, const: {}, pattern: { type: "string" } },
    "x-note": { type: "str", $ref: 5 },
  };
  assert.equal(await faults(schema, { $ref: "#/nowhere", pattern: "(" }), "");
});

Deno.test("patterns may be written with the u flag in mind, or without", async () => {
  const patterns: [string, good: string, bad: string][] = [
    ["^https\\:\\/\\/", "https://x", "http://x"],
    ["^[\\w-.]+$", "a-b.c", "a b"],
    ["^\\_\\-\\@$", "_-@", "_"],
    ["^\\p{Lu}+$", "ÄÖ", "aö"],
    ["^.$", "🎲", "ab"],
    ["^(?<a>x)\\k<a>$", "xx", "x"],
    ["^\\d{,2}$", "1{,2}", "12"],
    ["^]$", "]", "["],
  ];
  for (const [pattern, good, bad] of patterns) {
    assert.equal(await faults({ pattern }, good), "", pattern);
    assert.match(await faults({ pattern }, bad), /must match pattern/, pattern);
  }
});

Deno.test("no pattern holds the loop", async (t) => {
  const as = "a".repeat(50_000);
  const hanging: [pattern: string, text: string, good: boolean][] = [
    ["^(a+)+$", `${as}!`, false],
    ["^(a+)+$", as, true],
    ["^([a-z]+)*\\d$", as, false],
    ["^(a|aa)+$", `${as}!`, false],
    ["(x+x+)+y", "x".repeat(50_000), false],
    ["^(.*a){12}$", `${as}!`, false],
    ["\\s+$", `${" ".repeat(50_000)}x`, false],
    ["a*b", as, false],
    ["^(\\w+\\s?)*$", `${as}!`, false],
    ["^[\\w.-]+@[\\w.-]+\\.[a-z]{2,}$", `a@${as}`, false],
    ["^[\\w.-]+@[\\w.-]+\\.[a-z]{2,}$", `a@${as}.com`, true],
  ];
  for (const [pattern, text, good] of hanging) {
    await t.step(`${pattern} on ${text.length} characters`, async () => {
      const told = await within(3_000, () => faults({ pattern }, text));
      if (good) assert.equal(told, "");
      else assert.match(told, /^must match pattern/);
    });
  }
  await t.step(
    "for what no engine does in linear time, the text is too long",
    async () => {
      const schema = { properties: { p: { pattern: "^(?=(a+)+$)a" } } };
      assert.equal(await faults(schema, { p: "aaaa" }), "");
      assert.match(
        await within(3_000, () => faults(schema, { p: `${as}!` })),
        /^p: of 50001 characters is too long for its pattern/,
      );
      const names = { patternProperties: { "^(?=(a+)+$)a": false } };
      assert.match(
        await within(3_000, () => faults(names, { [`${as}!`]: 1 })),
        /^of 50001 characters is too long for its pattern/,
      );
    },
  );
  await t.step("many texts have no more time than one", async () => {
    const texts = range(20_000).map((n) => `${n}`.padStart(17, "1") + "!");
    const names = Object.fromEntries(texts.map((each) => [each, 1]));
    const quick = "^(\\w|\\d)+$";
    const told: [JsonSchema, unknown, RegExp][] = [
      [{ items: { anyOf: [{ pattern: quick }, {}] } }, texts, /^$/],
      [{ contains: { pattern: quick } }, texts, /^must contain at least 1/],
      [{ patternProperties: { [quick]: false } }, names, /^$/],
    ];
    const slow = "^(?=(\\w|\\d)+$)1";
    const tooMuch = /takes too long to check/;
    told.push(
      [{ items: { anyOf: [{ pattern: slow }, {}] } }, texts, tooMuch],
      [{ contains: { pattern: slow } }, texts, tooMuch],
      [{ patternProperties: { [slow]: false } }, names, tooMuch],
    );
    for (const [schema, value, says] of told) {
      assert.match(await within(6_000, () => faults(schema, value)), says);
    }
  });
  await t.step("the names of properties are texts too", async () => {
    const schema = { patternProperties: { "^(a+)+$": false } };
    assert.equal(
      await within(3_000, () => faults(schema, { [`${as}!`]: 1 })),
      "",
    );
  });
});

Deno.test("wide schemas take linear time, whatever they are made of", async (t) => {
  const wide: Record<string, [JsonSchema, good: unknown, bad: unknown]> = {
    constants: [
      {
        oneOf: range(5_000).map((n) => ({
          const: `c${n}`,
          title: `City ${n}`,
        })),
      },
      "c4999",
      "d",
    ],
    objects: [
      {
        oneOf: range(2_000).map((n) => ({
          type: "object",
          properties: { kind: { const: n } },
          required: ["kind"],
        })),
      },
      { kind: 1_999 },
      { kind: -1 },
    ],
    alternatives: [
      { anyOf: range(5_000).map((n) => ({ enum: [n, `${n}`] })) },
      "77",
      "",
    ],
    properties: [
      {
        properties: Object.fromEntries(
          range(5_000).map((n) => [`p${n}`, { type: "string" }]),
        ),
      },
      { p9: "" },
      { p4999: 1 },
    ],
    "all of many": [
      { allOf: range(5_000).map((n) => ({ maximum: 10_000 - n })) },
      5_000,
      5_002,
    ],
    values: [{ enum: range(20_000).map((n) => ({ n })) }, { n: 19_999 }, {
      n: -1,
    }],
    names: [{ required: range(5_000).map(String) }, "a", {}],
  };
  for (const [name, [schema, good, bad]] of Object.entries(wide)) {
    await t.step(name, () =>
      within(3_000, async () => {
        assert.equal(await faults(schema, good), "");
        assert.notEqual(await faults(schema, bad), "");
      }));
  }
});

Deno.test("large arrays are told apart in linear time", async () => {
  const schema = { uniqueItems: true };
  const items = range(30_000).map((n) => ({ n, list: [n] }));
  await within(3_000, async () => {
    assert.equal(await faults(schema, items), "");
    assert.match(
      await faults(schema, [...items, { list: [3], n: 3 }]),
      /item 30000 is there before/,
    );
  });
});

Deno.test("nothing overflows on depth", async (t) => {
  const tree: JsonSchema = {
    properties: { next: { anyOf: [{ type: "null" }, { $ref: "#" }] } },
  };
  const nested = (depth: number) => {
    let value: unknown = null;
    for (let level = 0; level < depth; level++) value = { next: value };
    return value;
  };
  await t.step("values", async () => {
    assert.equal(await faults(tree, nested(100)), "");
    assert.equal(await faults(tree, nested(200_000)), "is nested too deeply");
    assert.equal(
      await faults({ uniqueItems: true }, [nested(200_000), {}]),
      "is nested too deeply",
    );
  });
  await t.step("schemas", () => {
    const deep = (levels: number): JsonSchema =>
      levels === 0 ? {} : { not: deep(levels - 1) };
    fromJsonSchema(deep(64));
    assert.throws(() => fromJsonSchema(deep(65)), /at most 64 levels/);
    const many = { anyOf: range(10_000).map(() => ({})) };
    assert.throws(() => fromJsonSchema(many), /10000 subschemas/);
  });
  await t.step("references that go round", async () => {
    assert.equal(await faults({ $ref: "#" }, 1), "is nested too deeply");
    const round = {
      $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } },
    };
    assert.equal(
      await faults({ ...round, $ref: "#/$defs/a" }, 1),
      "is nested too deeply",
    );
  });
  await t.step("references that double at each level", async () => {
    const $defs = Object.fromEntries(
      range(50).map((n) => {
        const $ref = `#/$defs/d${n + 1}`;
        return [`d${n}`, { allOf: [{ $ref }, { $ref }] }];
      }),
    );
    const schema = { $defs: { ...$defs, d50: {} }, $ref: "#/$defs/d0" };
    assert.equal(
      await within(10_000, () => faults(schema, 1)),
      "takes too long to check",
    );
  });
});

Deno.test("references reach what is bundled in the document", async () => {
  const $defs = {
    name: {
      $id: "name.json",
      type: "string",
      $defs: { short: { maxLength: 3 } },
    },
    size: { $id: "https://example.org/size", type: "number" },
    unit: { $id: "urn:example:unit", enum: ["m", "s"] },
    list: {
      $id: "/lists/list.json",
      type: "array",
      items: { $ref: "#item" },
      $defs: { it: { $anchor: "item", $ref: "../name.json" } },
    },
  };
  const references: [string, good: unknown, bad: unknown][] = [
    ["name.json", "a", 1],
    ["https://example.com/name.json", "a", 1],
    ["name.json#/$defs/short", "abc", "abcd"],
    ["https://example.org/size", 1, "a"],
    ["urn:example:unit", "m", "a"],
    ["lists/list.json", ["a"], [1]],
    ["lists/list.json#item", "a", 1],
    ["#/$defs/list/$defs/it", "a", 1],
    ["#/x-components/a~1b%20c", true, 1],
  ];
  for (const [$ref, good, bad] of references) {
    const schema = {
      $id: "https://example.com/root.json",
      $defs,
      "x-components": { "a/b c": { type: "boolean" } },
      properties: { p: { $ref } },
    };
    assert.equal(await faults(schema, { p: good }), "", $ref);
    assert.match(await faults(schema, { p: bad }), /^p/, $ref);
  }
});

Deno.test("dynamic references take the outermost schema of their name", async () => {
  const schema = {
    $id: "https://example.com/strict",
    $dynamicAnchor: "node",
    $ref: "tree",
    unevaluatedProperties: false,
    $defs: {
      tree: {
        $id: "tree",
        $dynamicAnchor: "node",
        properties: {
          data: true,
          children: { items: { $dynamicRef: "#node" } },
        },
      },
    },
  };
  assert.equal(await faults(schema, { children: [{ data: 1 }] }), "");
  assert.match(
    await faults(schema, { children: [{ daat: 1 }] }),
    /unevaluated properties \(daat\)/,
  );
});

Deno.test("known formats are checked, others pass in silence", async () => {
  const formats: [string, good: string, bad: string][] = [
    ["date", "2024-02-29", "2023-02-29"],
    ["date-time", "2024-02-29T23:59:59.5Z", "yesterday"],
    ["time", "12:00:00+01:00", "25:00:00Z"],
    ["email", "a.b+c@example.com", "a@b@c"],
    ["hostname", "a-b.example", "-a.example"],
    ["ipv4", "192.168.0.1", "192.168.0.256"],
    ["ipv6", "2001:db8::1", "2001:db8"],
    ["uri", "https://example.com/?a=b#c", "not a uri"],
    ["uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567"],
  ];
  const said: unknown[] = [];
  const { warn, log, error } = console;
  console.warn = console.log = console.error = (...args) => said.push(args);
  try {
    for (const [format, good, bad] of formats) {
      assert.equal(await faults({ format }, good), "", format);
      assert.equal(await faults({ format }, 1), "", format);
      assert.equal(
        await faults({ format }, bad),
        `must match format "${format}"`,
      );
    }
    for (const format of ["int32", "byte", "iri", "toString", "my-own"]) {
      assert.equal(await faults({ format }, "anything"), "");
    }
  } finally {
    Object.assign(console, { warn, log, error });
  }
  assert.deepEqual(said, []);
});

Deno.test("another validator takes the place of ours", async () => {
  const seen: JsonSchema[] = [];
  const schema = fromJsonSchema<string>({ $ref: "elsewhere.json" }, {
    getValidator(schema) {
      seen.push(schema);
      return (value) =>
        typeof value === "string"
          ? { valid: true, data: value.trim() }
          : { valid: false, errorMessage: "no text" };
    },
  });
  const { validate } = schema["~standard"];
  assert.deepEqual(await validate(" a "), { value: "a" });
  assert.deepEqual(await validate(1), { issues: [{ message: "no text" }] });
  assert.deepEqual(seen, [{ $ref: "elsewhere.json" }]);
});
