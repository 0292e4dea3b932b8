import assert from "node:assert/strict";
import fc from "fast-check";
import { summarizeStatement } from "../../src/pool/postgres/statement_summary.ts";

Deno.test("a summary has the operations and the tables, in their order", () => {
  const cases: [string, string][] = [
    ["SELECT * FROM users WHERE id = $1", "SELECT users"],
    ["select u.* from public.users u", "select public.users"],
    ["SELECT 1", "SELECT"],
    ["BEGIN ISOLATION LEVEL serializable", "BEGIN"],
    ['INSERT INTO "Order Items" VALUES ($1)', 'INSERT "Order Items"'],
    [
      "INSERT INTO shipping (id) SELECT id FROM orders WHERE id = $1",
      "INSERT shipping SELECT orders",
    ],
    ["UPDATE ONLY users SET name = $1", "UPDATE users"],
    ["UPDATE users SET name = $1", "UPDATE users"],
    ["DELETE FROM a USING b WHERE a.id = b.id", "DELETE a b"],
    [
      "SELECT * FROM a JOIN b USING (id) LEFT JOIN c ON true FOR UPDATE",
      "SELECT a b c",
    ],
    [
      "INSERT INTO a VALUES (1) ON CONFLICT DO UPDATE SET x = 1",
      "INSERT a",
    ],
    ["WITH x AS (SELECT * FROM a) SELECT * FROM x", "WITH SELECT a SELECT x"],
    ["/* from secret */ SELECT -- from secret\n 1", "SELECT"],
    ["CREATE TABLE IF NOT EXISTS t (id int)", "CREATE t"],
    ["", ""],
    ["  ;", ""],
  ];
  for (const [text, summary] of cases) {
    assert.equal(summarizeStatement(text), summary, text);
  }
});

Deno.test("no literal gets into a summary, however it is quoted", () => {
  const quoted = [
    "'it''s from secret'",
    String.raw`'\'`,
    String.raw`E'it\'s from secret'`,
    "U&'from secret'",
    "$$ from secret $$",
    "$tag$ from secret $$ $tag$",
    "'from secret",
    "$a$ from secret",
  ];
  for (const literal of quoted) {
    assert.equal(
      summarizeStatement(`SELECT a FROM t WHERE b = ${literal}`),
      "SELECT t",
      literal,
    );
  }
  fc.assert(fc.property(fc.string({ unit: "binary" }), (value) => {
    const text = `SELECT '${value.replaceAll("'", "''")}' FROM t`;
    assert.equal(summarizeStatement(text), "SELECT t");
  }));
});

Deno.test("a summary is bounded, and so is the time it takes", () => {
  const tables = Array.from({ length: 200 }, (_, i) => `FROM table_${i}`);
  const summary = summarizeStatement(`SELECT ${tables.join(" ")}`);
  assert.ok(summary.length <= 255 && summary.length > 240);
  assert.match(summary, /^SELECT( table_\d+)+$/);
  for (const piece of ["'", '"', "/*", "$", "E'\\", "a.", "--", "("]) {
    const begun = performance.now();
    summarizeStatement(`SELECT ${piece.repeat(100_000)}`);
    assert.ok(performance.now() - begun < 500, piece);
  }
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assert.ok(summarizeStatement(text).length <= 255);
  }));
});
