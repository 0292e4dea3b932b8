import { median, rotated } from "./statistics.ts";

/** One variant of the same work; does `count` operations. */
export interface Variant {
  readonly name: string;
  run(count: number): void | Promise<void>;
}

/** How a comparison is measured. */
export interface CompareOptions {
  readonly title: string;
  /** Operations per round. */
  readonly count: number;
  readonly rounds: number;
}

/**
 * Measures all variants in one process, turn by turn, and prints for each the
 * median time per operation, and the median of its speed against the first in
 * the same turn, which a machine that is busy with other things hardly moves.
 */
export async function compare(
  { title, count, rounds }: CompareOptions,
  variants: readonly Variant[],
): Promise<void> {
  const times = new Map<string, number[]>(
    variants.map(({ name }) => [name, []]),
  );
  for (const { run } of variants) await run(count);
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of rotated(variants, round)) {
      const start = performance.now();
      await run(count);
      times.get(name)!.push((performance.now() - start) * 1e6 / count);
    }
  }
  print(title, rounds, times);
}

function print(
  title: string,
  rounds: number,
  times: ReadonlyMap<string, readonly number[]>,
): void {
  const [base] = times.values();
  console.log(`\n${title} (medians of ${rounds} interleaved rounds)`);
  for (const [name, ns] of times) {
    const typical = median(ns);
    const time = `${typical.toFixed(typical < 1_000 ? 1 : 0)} ns`.padStart(12);
    const ratio = median(ns.map((time, round) => base[round] / time));
    console.log(`  ${name.padEnd(44)}${time}  ${ratio.toFixed(2)} x`);
  }
}
