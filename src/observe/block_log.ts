import type { Clock } from "../base/clock.ts";
import type { BlockReport } from "./block_report.ts";

/** Takes the warnings of a `Watchdog`. */
export type BlockLogSink = (record: {
  level: "warning";
  message: string;
  fields: Record<string, unknown>;
}) => void;

/** Writes one warning per block, and at most one per name in a while. */
export class BlockLog {
  readonly #sink: BlockLogSink;
  readonly #intervalMs: number;
  readonly #clock: Clock;
  readonly #written: Map<string, { at: number; swallowed: number }> = new Map();

  constructor(sink: BlockLogSink, intervalMs: number, clock: Clock) {
    this.#sink = sink;
    this.#intervalMs = intervalMs;
    this.#clock = clock;
  }

  write({ name, certain, blockedMs, ...rest }: BlockReport): void {
    const now = this.#clock.now();
    const last = this.#written.get(name ?? "");
    if (last !== undefined && now - last.at < this.#intervalMs) {
      last.swallowed++;
      return;
    }
    this.#written.set(name ?? "", { at: now, swallowed: 0 });
    const by = name === undefined
      ? ""
      : `${certain ? "" : ", probably"} by ${name}`;
    this.#sink({
      level: "warning",
      message: `the event loop was blocked for ${blockedMs} ms${by}`,
      fields: {
        ...(name !== undefined && { tool: name }),
        certain,
        blockedMs,
        ...rest,
        ...(last !== undefined && last.swallowed > 0 && {
          swallowed: last.swallowed,
        }),
      },
    });
  }
}
