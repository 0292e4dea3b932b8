import {
  type Exposition,
  labelsText,
} from "../../observe/metrics/exposition.ts";
import type { KindReadings } from "../../observe/metrics/instruments.ts";

/** Writes the figures of every cache, pool, batcher, limiter and circuit. */
export function writeInstruments(
  out: Exposition,
  kinds: readonly KindReadings[],
): void {
  for (const { kind: { kind, measures }, readings } of kinds) {
    for (const [name, { type, help }] of Object.entries(measures)) {
      out.family(`sluice_${kind}_${name}`, type, help);
      for (const { labels, values } of readings) {
        const value = values[name];
        if (value !== undefined) out.sample(labelsText(labels), value);
      }
    }
  }
}
