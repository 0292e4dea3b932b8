import assert from "node:assert/strict";
import fc from "fast-check";
import { LruEntry, LruMap } from "../../src/cache/memory/lru_map.ts";

/** The same map the plain way: an array from the least to the most recently used. */
class Model {
  entries: LruEntry[] = [];
  constructor(readonly maxEntries: number, readonly maxSize: number) {}

  get totalSize(): number {
    return this.entries.reduce((sum, { size }) => sum + size, 0);
  }

  find(key: string): LruEntry | undefined {
    return this.entries.find((entry) => entry.key === key);
  }

  get(key: string): LruEntry | undefined {
    const entry = this.find(key);
    if (entry !== undefined) this.entries = [...this.without(key), entry];
    return entry;
  }

  without(key: string): LruEntry[] {
    return this.entries.filter((entry) => entry.key !== key);
  }

  add(entry: LruEntry): LruEntry[] {
    this.entries = [...this.without(entry.key), entry];
    const evicted = [];
    while (
      this.entries.length > this.maxEntries || this.totalSize > this.maxSize
    ) evicted.push(this.entries.shift()!);
    return evicted;
  }
}

Deno.test("whatever is done to it, it holds what a plain list would", () => {
  const key = fc.constantFrom("a", "b", "c", "d", "e");
  const step = fc.oneof(
    fc.record({ do: fc.constant("add" as const), key, size: fc.nat(4) }),
    fc.record({
      do: fc.constantFrom("get" as const, "peek" as const, "delete" as const),
      key,
    }),
    fc.record({ do: fc.constant("clear" as const), key }),
  );
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 4, max: 9 }),
    fc.array(step, { maxLength: 60 }),
    (maxEntries, maxSize, steps) => {
      const model = new Model(maxEntries, maxSize);
      const left: LruEntry[] = [];
      const evicted: LruEntry[] = [];
      const map = new LruMap<LruEntry>({
        maxEntries,
        maxSize,
        onRemove: (entry, forRoom) => (forRoom ? evicted : left).push(entry),
      });
      for (const each of steps) {
        left.length = evicted.length = 0;
        const before = model.find(each.key);
        switch (each.do) {
          case "add": {
            const entry = new LruEntry(each.key, each.size);
            map.add(entry);
            assert.deepEqual(evicted, model.add(entry));
            assert.deepEqual(left, before === undefined ? [] : [before]);
            break;
          }
          case "get":
            assert.equal(map.get(each.key), model.get(each.key));
            break;
          case "peek":
            assert.equal(map.peek(each.key), before);
            break;
          case "delete":
            assert.equal(map.delete(each.key), before !== undefined);
            model.entries = model.without(each.key);
            assert.deepEqual(left, before === undefined ? [] : [before]);
            break;
          default:
            map.clear();
            assert.deepEqual(left, model.entries);
            model.entries = [];
        }
        assert.equal(map.length, model.entries.length);
        assert.equal(map.totalSize, model.totalSize);
      }
    },
  ));
});

Deno.test("an entry that has left holds on to no other", () => {
  const map = new LruMap<LruEntry>({
    maxEntries: 3,
    maxSize: Infinity,
    onRemove: () => {},
  });
  const entries = ["a", "b", "c"].map((key) => new LruEntry(key, 1));
  for (const entry of entries) map.add(entry);
  map.delete("b");
  assert.equal(entries[1].newer, undefined);
  assert.equal(entries[1].older, undefined);
  assert.equal(entries[0].newer, entries[2]);
  assert.equal(entries[2].older, entries[0]);
});
