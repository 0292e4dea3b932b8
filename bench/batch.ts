/** `deno run -A bench/batch.ts`: Batcher against dataloader. */
import DataLoader from "dataloader";
import { Batcher } from "../src/batch/batcher.ts";
import { compare, type Variant } from "./support/compare.ts";

const load = (keys: readonly number[]) =>
  Promise.resolve(keys.map((key) => key * 2));

const batcher = new Batcher<number, number>(load, { maxSize: Infinity });
/** As it comes: asks for a key once, and would remember it for ever. */
const dataloader = new DataLoader(load);
/** Without its memory it doesn't see that a key is asked for twice. */
const forgetful = new DataLoader(load, { cache: false });

const loaders: Record<string, (keys: number[]) => Promise<unknown>> = {
  "dataloader, cleared after each batch": async (keys) => {
    await Promise.all(keys.map((key) => dataloader.load(key)));
    dataloader.clearAll();
  },
  "dataloader, cache: false (no dedupe)": (keys) =>
    Promise.all(keys.map((key) => forgetful.load(key))),
  "Batcher": (keys) => Promise.all(keys.map((key) => batcher.load(key))),
};

function variants(callers: number): Variant[] {
  const keys = Array.from({ length: callers }, (_, index) => index * 7);
  return Object.entries(loaders).map(([name, loadAll]) => ({
    name,
    run: async (count) => {
      for (let left = count; left > 0; left -= callers) await loadAll(keys);
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
