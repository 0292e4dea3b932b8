import type { Clock } from "../../base/clock.ts";
import type { Log, LogSink } from "../log/log.ts";
import { LineLimit } from "../log/line_limit.ts";
import { toLog } from "../log/logger.ts";
import type { BlockReport } from "./block_report.ts";

/** The most names in progress that a line shows; its fields have them all. */
const SHOWN_NAMES = 3;

/**
 * Writes one warning per block, and at most one per name in a while; of those
 * without a name, one per place or suspect.
 */
export class BlockLog {
  readonly #log: Log;
  readonly #limit: LineLimit;
  #hinted = false;

  constructor(log: Log | LogSink, intervalMs: number, clock: Clock) {
    this.#log = toLog(log);
    this.#limit = new LineLimit(intervalMs, clock);
  }

  write(report: BlockReport): void {
    const { name, certain, blockedMs, ...rest } = report;
    const more = this.#limit.take(causeOf(report));
    if (more === undefined) return;
    this.#log.warning(
      report.starved ? starvedText(report) : blockedText(report),
      {
        ...(name !== undefined && { tool: name }),
        certain,
        blockedMs,
        ...rest,
        ...more,
      },
    );
  }

  /** Says, the first time, what more would be known if the profiler could be used. */
  hint(why: string): void {
    if (this.#hinted) return;
    this.#hinted = true;
    this.#log.warning(
      `a block after a wait can't be named for certain: ${why}`,
    );
  }
}

/** Tells apart what has no name by its place, or by its only suspect. */
function causeOf({ name, starved, location, inProgress }: BlockReport): string {
  if (starved) return "starved";
  if (name !== undefined) return `name ${name}`;
  const [suspect, ...others] = inProgress;
  return location ??
    (suspect === undefined || others.length > 0 ? "" : `during ${suspect}`);
}

function starvedText({ blockedMs, cpuMs }: BlockReport): string {
  return `the process was starved for ${blockedMs} ms: ` +
    `it used the CPU for ${cpuMs} ms; else it had none, or waited synchronously`;
}

function blockedText({ blockedMs, ...rest }: BlockReport): string {
  return `the event loop was blocked for ${blockedMs} ms${causeText(rest)}`;
}

/** All that is known of who did it, as the rest of a sentence. */
function causeText(
  { name, certain, inProgress, ...code }: Omit<BlockReport, "blockedMs">,
): string {
  if (name === undefined) return placeText(code) + duringText(inProgress);
  return `${certain ? "" : ", probably"} by ${name}${placeText(code)}`;
}

/** `" in parse (tools.ts:11)"`. */
function placeText(
  { function: name, location }: Pick<BlockReport, "function" | "location">,
): string {
  if (name === undefined) return "";
  const place = location?.match(/[^/]+:\d+(?=:\d+$)/)?.[0];
  return ` in ${name}${place === undefined ? "" : ` (${place})`}`;
}

function duringText(names: readonly string[]): string {
  if (names.length === 0) return "";
  const shown = names.slice(0, SHOWN_NAMES);
  const others = names.length - shown.length;
  const last = others > 0 ? `${others} more` : shown.pop()!;
  const list = shown.length === 0 ? last : `${shown.join(", ")} and ${last}`;
  const were = names.length === 1 ? "was" : "were";
  return ` while ${list} ${were} in progress`;
}
