/** `deno run -A bench/batch.ts`: Batcher against dataloader. */
import DataLoader from "dataloader";
import { Batcher } from "../src/batch/batcher.ts";
import { compare, type Variant } from "./support/compare.ts";

interface Subject {
  readonly name: string;
  readonly atLeast?: number;
  load(key: number): Promise<number>;
  /** What must be done between batches. */
  clearAll?(): unknown;
}

const load = (keys: readonly number[]) =>
  Promise.resolve(keys.map((key) => key * 2));

const batcher = new Batcher<number, number>(load, { maxSize: Infinity });
/** As it comes: asks for a key once, and would remember it for ever. */
const dataloader = new DataLoader(load);
/** Without its memory it doesn't see that a key is asked for twice. */
const forgetful = new DataLoader(load, { cache: false });

const subjects: Subject[] = [
  {
    name: "dataloader, cleared after each batch",
    load: (key) => dataloader.load(key),
    clearAll: () => dataloader.clearAll(),
  },
  {
    name: "dataloader, cache: false (no dedupe)",
    load: (key) => forgetful.load(key),
  },
  { name: "Batcher", atLeast: 1, load: (key) => batcher.load(key) },
];

/** All in one loop, so that none is charged for a promise of the bench's own. */
function variants(callers: number): Variant[] {
  const keys = Array.from({ length: callers }, (_, index) => index * 7);
  return subjects.map(({ load, clearAll, ...subject }) => ({
    ...subject,
    run: async (count) => {
      for (let left = count; left > 0; left -= callers) {
        await Promise.all(keys.map((key) => load(key)));
        clearAll?.();
      }
    },
  }));
}

for (const callers of [1, 8, 32, 100]) {
  await compare({
    title: `load, batches of ${callers}, per key`,
    count: 100_000,
    rounds: 21,
  }, variants(callers));
}
