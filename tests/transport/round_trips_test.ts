import assert from "node:assert/strict";
import fc from "fast-check";
import { UriTemplate, type Variables } from "../../mod.ts";
import { type Capture, UriMatcher } from "../../src/protocol/uri_matcher.ts";
import { decodeHeaderValue } from "../../src/protocol/header_value.ts";
import { StateSealer } from "../../src/server/questions/request_state.ts";
import { makeSubject } from "./subject.ts";
import { ask, base64Header, encodeHeaderValue } from "./wire.ts";

const text = fc.string({ unit: "grapheme", maxLength: 40 });

Deno.test("decode(encode(x)) = x for header values", () => {
  fc.assert(fc.property(text, (value) => {
    assert.equal(decodeHeaderValue(encodeHeaderValue(value)), value);
    assert.equal(decodeHeaderValue(base64Header(value)), value);
  }));
  const marked = "\uFEFFa byte order mark is a character like any other";
  assert.equal(decodeHeaderValue(base64Header(marked)), marked);
});

Deno.test("any header value decodes or is refused", () => {
  const wrapped = fc.string().map((each) => `=?base64?${each}?=`);
  fc.assert(fc.property(fc.oneof(fc.string(), wrapped), (value) => {
    const decoded = decodeHeaderValue(value);
    assert.ok(decoded === undefined || typeof decoded === "string");
  }));
});

const name = fc.stringMatching(/^[a-z]{1,6}$/);
const value = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });

/** A template with distinct variables between literals, and values for them. */
const template = fc.uniqueArray(name, { minLength: 1, maxLength: 5 }).chain(
  (names) =>
    fc.record({
      path: fc.constant(
        `x://${names.map((each, index) => `s${index}/{${each}}`).join("/")}`,
      ),
      values: fc.record(Object.fromEntries(names.map((each) => [each, value]))),
    }),
);

Deno.test("match(expand(v)) = v for path variables, once decoded", () => {
  fc.assert(fc.property(template, ({ path, values }) => {
    const uriTemplate = new UriTemplate(path);
    const matched = uriTemplate.match(uriTemplate.expand(values as Variables));
    assert.deepEqual(decodeAll(matched), { ...values });
  }));
});

Deno.test("match(expand(v)) = v for query variables, in any order, any missing", () => {
  const query = fc.record({ a: value, b: value, c: value }, {
    requiredKeys: [],
  });
  fc.assert(fc.property(query, fc.boolean(), (values, turned) => {
    const uriTemplate = new UriTemplate("x://host/list{?a,b,c}");
    const uri = uriTemplate.expand(values as Variables);
    const [path, search] = uri.split("?");
    const shown = turned && search !== undefined
      ? `${path}?${search.split("&").reverse().join("&")}`
      : uri;
    assert.deepEqual(decodeAll(uriTemplate.match(shown)), { ...values });
  }));
});

Deno.test("match(expand(v)) = v for lists and reserved paths", () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,5}$/), {
    minLength: 2,
    maxLength: 5,
  });
  fc.assert(fc.property(words, (list) => {
    const exploded = new UriTemplate("x://{list*}");
    assert.deepEqual(exploded.match(exploded.expand({ list })), { list });
    const reserved = new UriTemplate("x://files/{+path}");
    const path = list.join("/");
    assert.deepEqual(reserved.match(reserved.expand({ path })), { path });
  }));
});

function decodeAll(matched: Variables | null): Variables | null {
  return matched && Object.fromEntries(
    Object.entries(matched).map((
      [key, each],
    ) => [key, decodeURIComponent(each as string)]),
  );
}

Deno.test("any template is read or refused, and matches any URI without throwing", () => {
  const pieces = fc.array(
    fc.oneof(
      fc.constantFrom(
        "{",
        "}",
        "{a}",
        "{b}",
        "{+c}",
        "{#d}",
        "{.e}",
        "{/f}",
        "{?g}",
        "{&h}",
        "{i*}",
        "{j:3}",
        "{k,l}",
        "/",
        ".",
        "-",
        ",",
        "(",
        "[",
        "\\",
        "*",
        "$",
        "é",
      ),
      fc.string({ maxLength: 5 }),
    ),
    { maxLength: 8 },
  ).map((each) => each.join(""));
  fc.assert(
    fc.property(pieces, fc.string({ maxLength: 60 }), (written, uri) => {
      let uriTemplate: UriTemplate;
      try {
        uriTemplate = new UriTemplate(written);
      } catch (error) {
        assert.equal(
          (error as { code?: string }).code,
          "SLUICE_INVALID_OPTION",
        );
        return;
      }
      uriTemplate.match(uri);
      const values = Object.fromEntries(
        uriTemplate.variableNames.map((each) => [each, "v"]),
      );
      uriTemplate.match(uriTemplate.expand(values));
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("captures are those of the greedy regular expression", () => {
  const part = fc.oneof(
    fc.constantFrom("/", ".", ",", "-", "a", "ab"),
    fc.constantFrom<Capture>({ kind: "segment" }, { kind: "list" }, {
      kind: "rest",
    }),
  );
  const patterns = { segment: "([^/,]+)", list: "([^/]+)", rest: "(.+)" };
  const uri = fc.string({
    unit: fc.constantFrom("/", ".", ",", "-", "a", "b"),
    maxLength: 14,
  });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 7 }), uri, (parts, text) => {
      const pattern = parts.map((each) =>
        typeof each === "string" ? RegExp.escape(each) : patterns[each.kind]
      );
      const expected = new RegExp(`^${pattern.join("")}$`, "s").exec(text);
      assert.deepEqual(
        new UriMatcher(parts).match(text),
        expected && expected.slice(1),
      );
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("a URI that almost matches costs no more than a walk over it", () => {
  const dots = "x://" + ".".repeat(99_000) + "/";
  const slashes = "x://" + "/".repeat(99_000) + "!";
  const templates = [
    "x://{a}.{b}",
    "x://{a}.{b}.{c}.{d}.{e}",
    "x://{a}{b}{c}{d}",
    "x://{+a}/{+b}/{+c}/end",
    "x://{a*}.{b*}.{c*}",
    "x://{+a}{+b}{+c}end",
  ];
  for (const written of templates) {
    const uriTemplate = new UriTemplate(written);
    // Quadratic matching takes seconds for these, cubic takes for ever.
    assert.equal(uriTemplate.match(dots + "\n"), null);
    assert.equal(uriTemplate.match(slashes), null);
  }
});

Deno.test("pages one after the other make up the list, whatever the names", async () => {
  const names = fc.uniqueArray(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(
      names,
      fc.integer({ min: 1, max: 5 }),
      async (own, pageSize) => {
        const { server } = makeSubject({ pageSize });
        const builtIn = ["echo", "any", "move", "mirrored"];
        const added = own.filter((each) => !builtIn.includes(each));
        for (const each of added) server.registerTool(each, {}, () => "x");
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const { body } = await ask(
            server,
            "tools/list",
            cursor ? { cursor } : {},
          );
          const { tools, nextCursor } = body.result;
          assert.ok(tools.length <= pageSize && tools.length > 0);
          seen.push(...tools.map((each: { name: string }) => each.name));
          cursor = nextCursor;
        } while (cursor !== undefined);
        assert.deepEqual(seen.toSorted(), [...builtIn, ...added].toSorted());
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("open(seal(x)) = x, and for nothing else", async () => {
  const sealer = new StateSealer(["k".repeat(32)], 1_000, { now: () => 0 });
  const json = fc.jsonValue().map((each) => JSON.parse(JSON.stringify(each)));
  await fc.assert(
    fc.asyncProperty(json, text, text, async (payload, binding, other) => {
      const sealed = await sealer.seal(payload, binding);
      assert.match(sealed, /^[\w-]+\.[\w-]+$/);
      assert.deepEqual(await sealer.open(sealed, binding), payload);
      if (other !== binding) {
        await assert.rejects(sealer.open(sealed, other), /was not issued/);
      }
    }),
  );
});

Deno.test("any text that was not sealed is refused", async () => {
  const sealer = new StateSealer(["k".repeat(32)], 1_000, { now: () => 0 });
  const part = fc.base64String().map((each) => each.replaceAll("=", ""));
  const almost = fc.tuple(part, part).map(([a, b]) => `${a}.${b}`);
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), almost), async (sealed) => {
      await assert.rejects(sealer.open(sealed, ""), { code: -32602 });
    }),
  );
});
