import { sleep } from "../base/abort.ts";
import { type Clock, systemClock } from "../base/clock.ts";

/** The last part of a drain, in which new work is turned away. */
const LAST_PART = { share: 1 / 10, maxMs: 1_000 };

/** Turns without a new request after which none waits unread in a socket. */
const QUIET_TURNS = 4;

/** Turns after which a listener closes though requests go on coming. */
const MAX_TURNS = 20;

const TURN_MS = 5;

/** What a drain tells the server. */
export interface Drained {
  /** Requests should go elsewhere: probes say so, and answers end their connections. */
  drain(): void;
  /** New work is turned away. */
  close(): void;
}

/**
 * Serves on while those who send requests look for another place: first as ever,
 * but that every answer ends its connection, then turning new work away, so that
 * whoever has kept an old connection learns of it before the listener closes.
 */
export async function drain(
  readiness: Drained,
  drainMs: number,
  clock: Clock,
): Promise<void> {
  readiness.drain();
  if (drainMs === 0) return;
  const lastMs = Math.min(drainMs * LAST_PART.share, LAST_PART.maxMs);
  await sleep(drainMs - lastMs, { clock });
  readiness.close();
  await sleep(lastMs, { clock });
}

/**
 * Resolves once no request has come for a while: `Deno.serve` cuts those off
 * whose bytes have arrived but are not read yet. What counts is turns of the event
 * loop: a timer that is overdue fires before sockets are read.
 */
export async function quiet(
  arrivals: () => number,
  clock: Clock = systemClock, // sockets know no other
): Promise<void> {
  for (let turn = 0, still = 0; turn < MAX_TURNS; turn++) {
    const before = arrivals();
    await sleep(TURN_MS, { clock });
    still = arrivals() === before ? still + 1 : 0;
    if (still === QUIET_TURNS) return;
  }
}
