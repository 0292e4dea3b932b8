import fc from "fast-check";
import assert from "node:assert/strict";
import {
  LinearEngineMissing,
  loadLinearEngine,
  SafePattern,
} from "../../src/protocol/json_schema/safe_pattern.ts";

Deno.test("a long text has to wait for the linear engine, a short one doesn't", async () => {
  const pattern = new SafePattern("^(a|b)*c$");
  const long = "a".repeat(10_000);
  assert.equal(pattern.test("abc"), true);
  // Once loaded, it is there for every test of this process.
  try {
    pattern.test(long);
  } catch (error) {
    assert.ok(error instanceof LinearEngineMissing);
  }
  await loadLinearEngine();
  assert.equal(pattern.test(long), false);
  assert.equal(pattern.test(`${long}c`), true);
});

Deno.test("patterns without ways to go back are never too long", () => {
  const long = "a".repeat(900_000);
  assert.equal(new SafePattern("^[a-z]+$").test(long), true);
  assert.equal(new SafePattern("^a").test(long), true);
  assert.equal(new SafePattern("^(?!b).").test(long), true);
});

Deno.test("a huge program is not run over a huge text", async () => {
  await loadLinearEngine();
  const pattern = new SafePattern("(a{1,900}b){1,3}$");
  assert.equal(pattern.test("a".repeat(900_000)), undefined);
});

Deno.test("long texts match as short ones do", async () => {
  await loadLinearEngine();
  const atom = fc.constantFrom(
    "a",
    "b",
    "[ab]",
    "\\w",
    "(?:a|ab)",
    "\\d",
    "[^a]",
  );
  const piece = fc.tuple(atom, fc.constantFrom("", "*", "+", "?", "{1,2}"));
  const pattern = fc.array(piece, { minLength: 1, maxLength: 3 })
    .map((pieces) => pieces.map((each) => each.join("")).join(""));
  const text = fc.string({
    unit: fc.constantFrom("a", "b", "1"),
    maxLength: 6,
  });
  fc.assert(
    fc.property(pattern, text, (pattern, text) => {
      // Nested like that, it has too many ways for V8.
      const slow = new SafePattern(`^(?:(?:(?:${pattern})*)*/)+$`);
      const short = new RegExp(`^(?:${pattern.replace("[^a]", "[^a/]")})*$`);
      const long = `${text}/`.repeat(30);
      if (!pattern.includes("[^a]")) {
        assert.equal(slow.test(long), short.test(text));
      } else if (short.test(text)) assert.equal(slow.test(long), true);
    }),
    { numRuns: 300 },
  );
});

Deno.test("spaces and line ends are the same for both engines", async () => {
  await loadLinearEngine();
  const texts = [
    "\u00a0",
    "\u2028",
    "\ufeff",
    "\v",
    "\r",
    "\u3000",
    "x",
    "\\",
    "s",
  ];
  for (const piece of ["\\s", "\\S", ".", "[\\s-]", "[^\\s]", "[\\\\s]"]) {
    const slow = new SafePattern(`^((${piece})*)*$`);
    for (const text of texts) {
      const good = new RegExp(`^${piece}$`).test(text);
      assert.equal(
        slow.test(text.repeat(50)),
        good,
        `${piece} on ${escape(text)}`,
      );
    }
  }
});
