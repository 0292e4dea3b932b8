/**
 * The media type that a client likes best among those on offer (RFC 9110,
 * section 12.5.1); the first of them if it likes none, or all alike.
 */
export function preferredType(
  accept: string | null,
  offered: readonly string[],
): string {
  const ranges = (accept ?? "*/*").split(",").map(parseRange);
  let best = offered[0];
  let bestWeight = 0;
  for (const type of offered) {
    const weight = weightOf(type, ranges);
    if (weight > bestWeight) {
      best = type;
      bestWeight = weight;
    }
  }
  return best;
}

interface MediaRange {
  readonly type: string;
  readonly weight: number;
}

function parseRange(text: string): MediaRange {
  const [type, ...parameters] = text.split(";").map((part) =>
    part.trim().toLowerCase()
  );
  const q = parameters.find((each) => each.startsWith("q="))?.slice(2);
  const weight = q === undefined ? 1 : Number(q);
  return { type, weight: weight >= 0 && weight <= 1 ? weight : 0 };
}

/** The most specific range that fits decides. */
function weightOf(type: string, ranges: readonly MediaRange[]): number {
  const [kind] = type.split("/");
  for (const wanted of [type, `${kind}/*`, "*/*"]) {
    const range = ranges.find((each) => each.type === wanted);
    if (range !== undefined) return range.weight;
  }
  return 0;
}
