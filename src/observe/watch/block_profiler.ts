import type { Clock, TimerHandle } from "../../base/clock.ts";
import { type CpuProfileJson, stacksOf } from "../profile/cpu_profile.ts";
import { CpuRecording } from "../profile/cpu_recording.ts";
import {
  type CallFrame,
  isOwn,
  placeOf,
  SourcePositions,
} from "../profile/source_position.ts";

/** Costs a busy server 0.5 to 1 % of its CPU; at 10 ms it was 2 %. */
const INTERVAL_US = 20_000;
/** The longest wait for a block: 30,000 samples, some 2 MB. */
const ARMED_MS = 600_000;
/** To begin, or to look, stops everything for a moment: 1 % of the time at most. */
const REST_PER_PAUSE = 100;

/** The code that a profile shows of one block. */
export interface BlockedCode {
  /** The function that ran, where its author finds it. */
  frame: CallFrame | undefined;
  /** The only one of the handlers that was on the stack for most of it. */
  name: string | undefined;
}

/** A stretch of time, in milliseconds of the clock, and whose handlers may have run in it. */
export interface BlockedStretch {
  from: number;
  to: number;
  /** The handlers, by the name of their work. */
  // deno-lint-ignore ban-types
  handlers: ReadonlyMap<string, Function>;
}

/**
 * Looks at what runs, every 20 ms, from a first block on until there was none
 * for ten minutes: the profiler costs nothing on a server that never blocks.
 * Without the permission it sees nothing.
 */
export class BlockProfiler {
  readonly #clock: Clock;
  #recording: CpuRecording | undefined;
  #arming: Promise<void> = Promise.resolve();
  #mayArmAt = -Infinity;
  #mayLookAt = -Infinity;
  #timer: TimerHandle | undefined;
  #unavailable: Error | undefined;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get armed(): boolean {
    return this.#recording !== undefined;
  }

  /** The reason why it may not be used here, once that is known. */
  get unavailable(): Error | undefined {
    return this.#unavailable;
  }

  /** Looks from now on, unless it does or began too recently. */
  arm(): Promise<void> {
    const now = this.#clock.now();
    if (this.armed || this.#closed || now < this.#mayArmAt) return this.#arming;
    this.#mayArmAt = Infinity;
    return this.#arming = this.#begin();
  }

  async #begin(): Promise<void> {
    let recording: CpuRecording;
    try {
      recording = await CpuRecording.start(INTERVAL_US, () => this.#disarm());
    } catch (error) {
      // That won't change.
      this.#unavailable = error as Error;
      return;
    }
    if (this.#closed) {
      recording[Symbol.dispose]();
      return;
    }
    this.#recording = recording;
    this.#mayArmAt = this.#afterRest();
    this.#waitForBlock();
  }

  /**
   * Tells what was seen in each stretch, and goes on looking; nothing if the
   * last time was too recent.
   */
  async take(stretches: readonly BlockedStretch[]): Promise<BlockedCode[]> {
    const recording = this.#recording;
    const endedAt = this.#clock.now();
    if (recording === undefined || endedAt < this.#mayLookAt) return [];
    try {
      const restarted = recording.restart();
      this.#mayLookAt = this.#afterRest();
      this.#waitForBlock();
      const json = await restarted;
      const positions = await SourcePositions.load();
      const seen: BlockedCode[] = [];
      for (const stretch of stretches) {
        seen.push(await look(recording, json, endedAt, stretch, positions));
      }
      return seen;
    } catch {
      // A block is reported with what is known of it otherwise.
      this.#disarm();
      return [];
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#disarm();
    await this.#arming;
  }

  /** The time at which the last pause is made up for. */
  #afterRest(): number {
    const { from, to } = CpuRecording.lastPause;
    return this.#clock.now() + (to - from) * REST_PER_PAUSE;
  }

  #waitForBlock(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(() => this.#disarm(), ARMED_MS, {
      keepAlive: false,
    });
  }

  #disarm(): void {
    this.#recording?.[Symbol.dispose]();
    this.#recording = undefined;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** @param endedAt When the profile ended, in milliseconds of the clock. */
async function look(
  recording: CpuRecording,
  json: CpuProfileJson,
  endedAt: number,
  { from, to, handlers }: BlockedStretch,
  positions: SourcePositions,
): Promise<BlockedCode> {
  const inProfile = (ms: number) => json.endTime - (endedAt - ms) * 1_000;
  const { samples, hottest, onStack } = codeBetween(
    json,
    inProfile(from),
    inProfile(to),
  );
  const names: string[] = [];
  for (const [name, handler] of handlers) {
    const place = await recording.locate(handler);
    const found = place === undefined ? 0 : onStack.get(place) ?? 0;
    if (found > samples / 2) names.push(name);
  }
  return {
    frame: hottest && positions.map(hottest),
    name: names.length === 1 ? names[0] : undefined,
  };
}

/**
 * Reads what ran from `fromUs` to `toUs`, in microseconds of the profile's clock:
 * the function, not of V8 or the runtime, in which most samples were, and in how
 * many samples each function was on the stack, by its place.
 */
function codeBetween(
  json: CpuProfileJson,
  fromUs: number,
  toUs: number,
): {
  samples: number;
  hottest: CallFrame | undefined;
  onStack: ReadonlyMap<string, number>;
} {
  const stackOf = stacksOf(json.nodes);
  const onStack = new Map<string, number>();
  const own = new Map<string, number>();
  const frames = new Map<string, CallFrame>();
  let samples = 0;
  let at = json.startTime;
  json.samples.forEach((id, index) => {
    at += json.timeDeltas[index];
    const stack = stackOf(id);
    if (at < fromUs || at > toUs || isIdle(stack)) return;
    samples++;
    for (const key of new Set(stack.map(placeOf))) count(onStack, key);
    const frame = stack.find(isOwn);
    if (frame === undefined) return;
    frames.set(placeOf(frame), frame);
    count(own, placeOf(frame));
  });
  const [most] = [...own].sort(([, a], [, b]) => b - a);
  return { samples, hottest: most && frames.get(most[0]), onStack };
}

function isIdle([innermost]: CallFrame[]): boolean {
  return innermost === undefined || innermost.functionName === "(idle)";
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
