import type { InstrumentReading } from "../../observe/metrics/instruments.ts";
import type {
  LatencySummary,
  MetricsDocument,
} from "../../observe/metrics/metrics_document.ts";

/** Any value of a document. */
type Value = number | string | null | object | undefined;

/**
 * Of latencies and lags no sum can be made, nor their quantiles be put together:
 * the worst worker's is shown.
 */
const HIGHEST: ReadonlySet<string> = new Set(
  [
    ...["mean", "p50", "p95", "p99"],
    ...["lag_p50_ms", "lag_p99_ms", "lag_max_ms", "uptime_seconds"],
  ],
);

/** Puts the figures of several workers together: numbers are added up. */
export function mergedDocument(
  documents: readonly MetricsDocument[],
): MetricsDocument {
  const merged = mergedObject(documents) as MetricsDocument;
  const { instruments } = merged;
  return {
    ...merged,
    instruments: Object.fromEntries(
      Object.entries(instruments).map(([kind, all]) => [kind, addedUp(all)]),
    ),
  };
}

/** The highest of several workers' latencies. */
export function highestLatency(
  all: readonly LatencySummary[],
): LatencySummary | undefined {
  return all.length === 0 ? undefined : mergedObject(all) as LatencySummary;
}

function mergedObject(objects: readonly object[]): object {
  const names = new Set(objects.flatMap(Object.keys));
  return Object.fromEntries(
    Array.from(names, (name) => [
      name,
      mergedValue(
        name,
        // A tool may be called what every object has.
        objects.map((each) =>
          Object.hasOwn(each, name)
            ? (each as Record<string, Value>)[name]
            : undefined
        ),
      ),
    ]),
  );
}

function mergedValue(name: string, values: Value[]): Value {
  const known = values.filter((each) => each !== null && each !== undefined);
  const [first] = known;
  if (first === undefined) return null;
  if (Array.isArray(first)) return known.flat();
  if (typeof first === "object") return mergedObject(known as object[]);
  // Times: the latest.
  if (typeof first === "string") return (known as string[]).sort().at(-1);
  const numbers = known as number[];
  if (name === "start_time") return Math.min(...numbers);
  return HIGHEST.has(name) ? Math.max(...numbers) : numbers.reduce(sum);
}

/** Equally labelled instruments of several workers as one. */
function addedUp(readings: readonly InstrumentReading[]): InstrumentReading[] {
  const byLabels = Map.groupBy(
    readings,
    ({ labels }) => JSON.stringify(labels),
  );
  return Array.from(byLabels.values(), (alike) => ({
    labels: alike[0].labels,
    values: mergedObject(alike.map(({ values }) => values)) as Record<
      string,
      number
    >,
  }));
}

function sum(a: number, b: number): number {
  return a + b;
}
