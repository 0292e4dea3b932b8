/** The goals of the benches: what was to be reached, and what was measured. */

/** What is to be reached; without a limit, a figure that is only shown. */
export interface Goal {
  /** What is measured, with its unit or with what it is compared to. */
  name: string;
  atLeast?: number;
  atMost?: number;
}

/** A goal and what was measured. */
export interface Outcome extends Goal {
  /** `undefined` where the measuring failed. */
  measured: number | undefined;
}

/** The variable that names the file in which `deno task bench` gathers outcomes. */
export const OUTCOMES = "BENCH_OUTCOMES";

/** Hands an outcome to `deno task bench`, and gives the cells "goal" and "reached". */
export function judge(outcome: Outcome): [goal: string, reached: string] {
  if (outcome.atLeast === undefined && outcome.atMost === undefined) {
    return ["", ""];
  }
  const file = Deno.env.get(OUTCOMES);
  if (file !== undefined) {
    Deno.writeTextFileSync(file, JSON.stringify(outcome) + "\n", {
      append: true,
    });
  }
  return [limitOf(outcome), isReached(outcome) ? "yes" : "NO"];
}

/** Tells if what was measured is within the limits. */
export function isReached(
  { measured = NaN, atLeast = -Infinity, atMost = Infinity }: Outcome,
): boolean {
  return measured >= atLeast && measured <= atMost;
}

/** The limit as it is shown. */
export function limitOf({ atLeast, atMost }: Goal): string {
  return atLeast === undefined
    ? `<= ${atMost?.toLocaleString("en-US")}`
    : `>= ${atLeast.toLocaleString("en-US")}`;
}
