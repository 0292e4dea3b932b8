import {
  type InstrumentLabels,
  instruments,
  type InstrumentValues,
} from "../../src/observe/metrics/instruments.ts";

/** What an operator sees of an instrument; `undefined` if it isn't shown. */
export function figuresOf(
  kind: string,
  labels: InstrumentLabels,
): InstrumentValues | undefined {
  const wanted = Object.entries(labels);
  const found = instruments.read()
    .filter((readings) => readings.kind.kind === kind)
    .flatMap(({ readings }) => readings)
    .filter((reading) =>
      wanted.length === Object.keys(reading.labels).length &&
      wanted.every(([label, value]) => reading.labels[label] === value)
    );
  if (found.length > 1) throw new Error(`${kind} is shown twice`);
  return found[0]?.values;
}
