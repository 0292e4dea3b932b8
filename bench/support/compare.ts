import { judge } from "./goals.ts";
import { median, rotated } from "./statistics.ts";

/** The variable that lowers the number of rounds: `deno task bench` has little time. */
export const ROUNDS = "BENCH_ROUNDS";

/** One variant of the same work; does `count` operations. */
export interface Variant {
  readonly name: string;
  /** The speed against the first variant that is to be reached. */
  readonly atLeast?: number;
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
  { title, count, ...options }: CompareOptions,
  variants: readonly Variant[],
): Promise<void> {
  const most = Number(Deno.env.get(ROUNDS) ?? Infinity);
  const rounds = Math.min(options.rounds, most);
  const times = new Map<Variant, number[]>(
    variants.map((variant) => [variant, []]),
  );
  for (const { run } of variants) await run(count);
  for (let round = 0; round < rounds; round++) {
    for (const variant of rotated(variants, round)) {
      const start = performance.now();
      await variant.run(count);
      times.get(variant)!.push((performance.now() - start) * 1e6 / count);
    }
  }
  print(title, rounds, times);
}

function print(
  title: string,
  rounds: number,
  times: ReadonlyMap<Variant, readonly number[]>,
): void {
  const [base] = times.values();
  console.log(`\n${title} (medians of ${rounds} interleaved rounds)`);
  const [{ name: baseName }] = times.keys();
  for (const [{ name, atLeast }, ns] of times) {
    const typical = median(ns);
    const time = `${typical.toFixed(typical < 1_000 ? 1 : 0)} ns`.padStart(12);
    const ratio = median(ns.map((time, round) => base[round] / time));
    const [goal, reached] = judge({
      name: `${title}: ${name} / ${baseName}`,
      measured: ratio,
      atLeast,
    });
    console.log(
      `  ${name.padEnd(44)}${time}  ${ratio.toFixed(2)} x  ${goal}  ${reached}`
        .trimEnd(),
    );
  }
}
