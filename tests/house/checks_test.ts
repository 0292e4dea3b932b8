import assert from "node:assert/strict";
import {
  circles,
  doorFaults,
  floorFaults,
  type House,
  importsOf,
  longFiles,
  readHouse,
  twinNames,
  unusedDoors,
} from "./house.ts";

/** A house of files of ten lines, by what they import. */
function houseOf(files: Record<string, string[]>): House {
  return new Map(
    Object.entries(files).map((
      [path, imports],
    ) => [path, { lines: 10, imports }]),
  );
}

Deno.test("every way to import is found, and no other text", () => {
  const text = `
import a from "./a.ts";
import type { B } from './b.ts';
import type * as c from "./c.ts";
import d, {
  type D1,
  d2 as d3,
} from "./d.ts";
import "./e.ts";
export * from "./f.ts";
export type * as g from "./g.ts";
export { h } from "./h.ts";
/**
 * import { no } from "./no_doc.ts";
 */
// import { no } from "./no_comment.ts";
  // await import("./no_comment.ts")
export const list = Array.from("./no_call.ts");
export class X { from = "./no_field.ts"; }
const accept = "*/*, text/*";
const j: import("./j.ts").J = await import(
  "./k.ts"
);
`;
  assert.deepEqual(
    importsOf(text).sort(),
    ["a", "b", "c", "d", "e", "f", "g", "h", "j", "k"]
      .map((name) => `./${name}.ts`),
  );
});

Deno.test("a house is read with its entrances", async () => {
  const folder = new URL(`file://${await Deno.makeTempDir()}/src/`);
  await Deno.mkdir(new URL("a/b/", folder), { recursive: true });
  const write = (path: string, text: string) =>
    Deno.writeTextFile(new URL(path, folder), text);
  await write("a/one.ts", 'import "./b/two.ts";\nimport "node:path";\n');
  await write("a/b/two.ts", "// nothing\n");
  await write("a/b/page.html", "<p>");
  await write("../mod.ts", 'export * from "./src/a/one.ts";\n');

  const house = await readHouse(folder, ["../mod.ts"]);

  assert.deepEqual(Object.fromEntries(house), {
    "a/one.ts": { lines: 2, imports: ["a/b/two.ts"] },
    "a/b/two.ts": { lines: 1, imports: [] },
    "../mod.ts": { lines: 1, imports: ["a/one.ts"] },
  });
  await Deno.remove(new URL("..", folder), { recursive: true });
});

Deno.test("imports go down the floors only", () => {
  const floors = { base: [], cache: ["base"], server: ["base", "cache"] };
  const house = houseOf({
    "../mod.ts": ["server/a.ts"],
    "base/a.ts": [],
    "base/up.ts": ["base/a.ts", "server/a.ts"],
    "cache/a.ts": ["base/a.ts", "cache/b.ts"],
    "server/a.ts": ["cache/a.ts"],
    "attic/a.ts": ["base/a.ts"],
  });

  assert.deepEqual(floorFaults(house, floors), [
    "base/up.ts imports server/a.ts, and base may import nothing: move what it needs down, or hand it in",
    'attic/a.ts stands on no floor: give "attic" a row in FLOORS',
  ]);
});

Deno.test("outsiders come in by a room's doors, insiders go anywhere", () => {
  const doors = {
    cache: ["cached.ts", "redis/redis_cache.ts"],
    "cache/redis": ["redis_cache.ts"],
  };
  const house = houseOf({
    "../mod.ts": ["cache/cached.ts", "cache/redis/redis_cache.ts"],
    "cache/cached.ts": ["cache/flight.ts", "cache/redis/codec.ts"],
    "cache/flight.ts": ["base/clock.ts"],
    "cache/redis/redis_cache.ts": ["cache/redis/codec.ts", "cache/flight.ts"],
    "cache/redis/codec.ts": [],
    "server/tool.ts": ["cache/flight.ts"],
    "base/clock.ts": [],
  });

  assert.deepEqual(doorFaults(house, doors), [
    "cache/cached.ts imports cache/redis/codec.ts, which is private to cache/redis: go by redis_cache.ts, or make it a door in DOORS",
    "server/tool.ts imports cache/flight.ts, which is private to cache: go by cached.ts, redis/redis_cache.ts, or make it a door in DOORS",
  ]);
});

Deno.test("a door that nobody uses is no door", () => {
  const doors = { pool: ["pool.ts", "lease.ts"], batch: [] };
  const house = houseOf({
    "../mod.ts": ["pool/pool.ts"],
    "pool/pool.ts": ["pool/lease.ts"],
    "pool/lease.ts": [],
  });

  assert.deepEqual(unusedDoors(house, doors), [
    "nobody outside of pool imports lease.ts: take it off DOORS",
  ]);
});

Deno.test("a circle is told file by file", () => {
  const house = houseOf({
    "a.ts": ["b.ts", "d.ts"],
    "b.ts": ["c.ts"],
    "c.ts": ["b.ts", "d.ts"],
    "d.ts": [],
    "e.ts": ["a.ts"],
  });

  assert.deepEqual(circles(house), [
    "b.ts > c.ts > b.ts: move what they share to a file of its own",
  ]);
  assert.deepEqual(circles(houseOf({ "a.ts": ["b.ts"], "b.ts": [] })), []);
});

Deno.test("files are short, and no two have one name", () => {
  const house: House = new Map([
    ["../mod.ts", { lines: 900, imports: [] }],
    ["a/one.ts", { lines: 400, imports: [] }],
    ["a/two.ts", { lines: 401, imports: [] }],
    ["b/one.ts", { lines: 1, imports: [] }],
  ]);

  assert.deepEqual(longFiles(house, 400), [
    "a/two.ts has 401 lines of at most 400: take a noun out of it",
  ]);
  assert.deepEqual(twinNames(house), [
    "a/one.ts and b/one.ts are both called one.ts: say what sets them apart",
  ]);
});
