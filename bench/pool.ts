/** `deno run -A bench/pool.ts`: Pool acquire + release against generic-pool and tarn. */
import genericPool from "generic-pool";
import { Pool as TarnPool } from "tarn";
import { Pool } from "../src/pool/pool.ts";
import { compare, type Variant } from "./support/compare.ts";

const MAX = 10;
const items = { create: () => Promise.resolve({}), destroy: () => {} };

const ours = new Pool({ ...items, max: MAX, min: MAX });
/** Its callers never give up; ours and tarn's do after 30 s. */
const generic = genericPool.createPool(
  { create: items.create, destroy: () => Promise.resolve() },
  { max: MAX, min: MAX },
);
const tarn = new TarnPool({ ...items, max: MAX, min: MAX });

/** Each has a loop of its own: a shared one would cost as much as it measures. */
const loops: Record<string, (work: { left: number }) => Promise<void>> = {
  "generic-pool": async (work) => {
    while (work.left-- > 0) generic.release(await generic.acquire());
  },
  "tarn": async (work) => {
    while (work.left-- > 0) tarn.release(await tarn.acquire().promise);
  },
  "Pool": async (work) => {
    while (work.left-- > 0) (await ours.acquire()).release();
  },
  "Pool, await using": async (work) => {
    while (work.left-- > 0) {
      await using _item = await ours.acquire();
    }
  },
};

function variants(callers: number): Variant[] {
  return Object.entries(loops).map(([name, loop]) => ({
    name,
    atLeast: name === "Pool" ? 1 : undefined,
    run: async (left) => {
      const work = { left };
      await Promise.all(Array.from({ length: callers }, () => loop(work)));
    },
  }));
}

for (const callers of [1, 8, 32]) {
  await compare({
    title: `acquire + release, ${callers} callers, ${MAX} items`,
    count: 20_000,
    rounds: 15,
  }, variants(callers));
}

await ours.close();
await generic.drain();
await generic.clear();
await tarn.destroy();
