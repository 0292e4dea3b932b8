import { checkLimit, checkTimeoutMs } from "../../base/options.ts";

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

/** Every option, for who checks names. */
export const ADMISSION_OPTIONS: Readonly<Record<keyof AdmissionOptions, true>> =
  {
    maxInProgress: true,
    maxPerCaller: true,
    maxWaiting: true,
    maxWaitMs: true,
    maxBacklogMs: true,
  };

/** No bounds at all. */
const UNBOUNDED: AdmissionLimits = {
  maxInProgress: Infinity,
  maxPerCaller: Infinity,
  maxWaiting: Infinity,
  maxWaitMs: Infinity,
  maxBacklogMs: Infinity,
  newestFirstAfterMs: Infinity,
};

/** @throws {InvalidOptionError} naming the option */
export function admissionLimits(
  options: AdmissionOptions | false = {},
): AdmissionLimits {
  if (options === false) return UNBOUNDED;
  const { maxInProgress = 10_000, maxWaiting = 1_000 } = options;
  checkLimit("admission.maxInProgress", maxInProgress, 1);
  const { maxPerCaller = Math.ceil(maxInProgress / 4) } = options;
  const { maxWaitMs = 60_000, maxBacklogMs = 250 } = options;
  return {
    maxInProgress,
    maxPerCaller: checkLimit("admission.maxPerCaller", maxPerCaller, 1),
    maxWaiting: checkLimit("admission.maxWaiting", maxWaiting, 0),
    maxWaitMs: checkTimeoutMs("admission.maxWaitMs", maxWaitMs, 1),
    maxBacklogMs: checkTimeoutMs("admission.maxBacklogMs", maxBacklogMs, 1),
    newestFirstAfterMs: 1_000,
  };
}
