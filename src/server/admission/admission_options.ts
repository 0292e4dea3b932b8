import {
  option,
  type OptionRules,
  readOptions,
} from "../../base/option_rules.ts";

/** Bounds on what a server takes in; `Infinity` is none. */
export interface AdmissionOptions {
  /**
   * Requests in progress at once, those included that wait for their turn.
   * Streams of `subscriptions/listen` and tasks at work are not among them.
   * @default 10000
   */
  maxInProgress?: number;
  /**
   * Likewise those of one caller: of an identity, or else of an address.
   * @default a quarter of `maxInProgress`
   */
  maxPerCaller?: number;
  /**
   * Calls of one tool that may wait for its `concurrency`; a tool's own
   * `maxWaiting` goes before.
   * @default 1000
   */
  maxWaiting?: number;
  /**
   * Milliseconds that a call waits for its turn before it is refused. The tool's
   * `timeoutMs`, and what the client says in `Prefer: wait` (RFC 7240), may make
   * it less.
   * @default 60000
   */
  maxWaitMs?: number;
  /**
   * Milliseconds that the event loop may stay behind: while more comes than is
   * served, what is served waits for about so long, and twice that at most. A
   * single burst may take twenty times as long.
   * @default 250
   */
  maxBacklogMs?: number;
}

/** All bounds there are. */
export interface AdmissionLimits extends Readonly<Required<AdmissionOptions>> {
  /** Milliseconds that a tool's line may stand before the newest go first. */
  readonly newestFirstAfterMs: number;
}

const ADMISSION_OPTIONS = {
  maxInProgress: option.limit(10_000, 1),
  maxPerCaller: option.ifGiven(option.limit(undefined, 1)),
  maxWaiting: option.limit(1_000, 0),
  maxWaitMs: option.timeoutMs(60_000, 1),
  maxBacklogMs: option.timeoutMs(250, 1),
} satisfies OptionRules<AdmissionOptions>;

/** No bounds at all. */
export const UNBOUNDED: AdmissionLimits = {
  maxInProgress: Infinity,
  maxPerCaller: Infinity,
  maxWaiting: Infinity,
  maxWaitMs: Infinity,
  maxBacklogMs: Infinity,
  newestFirstAfterMs: Infinity,
};

/** @throws {InvalidOptionError} naming the option */
export function admissionLimits(
  name: string,
  given: unknown = {},
): AdmissionLimits {
  if (given === false) return UNBOUNDED;
  const read = readOptions(
    name,
    given as object,
    ADMISSION_OPTIONS,
    `${name}.`,
  );
  const { maxPerCaller = Math.ceil(read.maxInProgress / 4) } = read;
  return { ...read, maxPerCaller, newestFirstAfterMs: 1_000 };
}
