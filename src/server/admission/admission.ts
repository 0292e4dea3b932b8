import type { Clock } from "../../base/clock.ts";
import type { NetworkPeer } from "../../base/network_peer.ts";
import { TimeoutError } from "../../base/errors.ts";
import { type Permit, Semaphore } from "../../limit/semaphore.ts";
import type { Log } from "../../observe/log/log.ts";
import { RefusedError } from "../../protocol/protocol_errors.ts";
import type { Call } from "../calls/call.ts";
import { isRepeat } from "../questions/rounds.ts";
import type { AdmissionLimits } from "./admission_options.ts";
import { CallerShares } from "./caller_shares.ts";
import { LoopBacklog } from "./loop_backlog.ts";

/** Milliseconds after which who was refused may come back. */
const RETRY_MS = 1_000;

/** Methods that cost nothing, or make less of what there is to do. */
const ALWAYS_TAKEN: ReadonlySet<string> = new Set([
  "ping",
  "resources/unsubscribe",
  "tasks/cancel",
  "tasks/update",
]);

/** Each cause, as metrics name it and clients are told of it. */
const CAUSES = {
  backlog: "more comes in than is served",
  in_progress: "too many requests are in progress",
  queue_full: "too many calls wait for this tool",
  queue_time: "the call waited for its turn for too long",
  caller_share: "the caller has too much under way",
};

/** A cause of refusals. */
export type RefusalCause = keyof typeof CAUSES;

/** Errors made once: a stack trace would cost more than all the rest of a refusal. */
const ERRORS = new Map(
  Object.entries(CAUSES).map(([cause, why]) => [
    cause as RefusalCause,
    new RefusedError(
      cause === "caller_share" ? cause : "overloaded",
      RETRY_MS,
      `Refused: ${why}`,
    ),
  ]),
);

/** Keeps what a server takes in to what it can serve in time. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #backlog: LoopBacklog;
  /** Number of refusals of each cause. */
  readonly refusals: ReadonlyMap<RefusalCause, number>;
  readonly #counts: Map<RefusalCause, number>;
  readonly #shares: CallerShares;
  #expectsAnswers = false;
  /** Lines in which somebody waits. */
  readonly #standing: Set<Semaphore> = new Set();

  constructor(limits: AdmissionLimits, clock: Clock, log: Log) {
    this.#limits = limits;
    this.#clock = clock;
    this.#log = log;
    this.#backlog = new LoopBacklog(clock, limits.maxBacklogMs);
    this.#shares = new CallerShares(limits.maxPerCaller);
    this.refusals = this.#counts = new Map(
      Object.keys(CAUSES).map((cause) => [cause as RefusalCause, 0]),
    );
  }

  /**
   * Why a request is not let in now; `undefined` for one that is.
   *
   * @param inProgress the requests that have no answer yet
   */
  refusalOf(
    call: Call,
    inProgress: ReadonlySet<Call>,
  ): RefusedError | undefined {
    const cause = this.#causeToRefuse(call, inProgress);
    if (cause === undefined || ALWAYS_TAKEN.has(call.method)) return undefined;
    // For any other cause it would be whoever comes.
    return this.#refuse(cause, cause === "caller_share" ? call : undefined);
  }

  /**
   * Why a request is not let in whose body has yet to be read. What its headers
   * say that it is, its body is held against.
   *
   * @param now time by the server's clock
   */
  refusalUnread(
    now: number,
    headers: Pick<Headers, "get">,
    peer: NetworkPeer | undefined,
  ): RefusedError | undefined {
    if (!this.#backlog.isOver(now, peer?.queuedMs)) return undefined;
    const method = headers.get("mcp-method");
    // Only its body tells a request that brings an answer.
    if (this.#expectsAnswers || method === null) return undefined;
    return ALWAYS_TAKEN.has(method) || method.startsWith("notifications/")
      ? undefined
      : this.#refuse("backlog");
  }

  /** From now on, requests may bring answers to what the server has asked. */
  expectAnswers(): void {
    this.#expectsAnswers = true;
  }

  #causeToRefuse(
    call: Call,
    inProgress: ReadonlySet<Call>,
  ): RefusalCause | undefined {
    const { arrivedAt, reply } = call;
    if (
      this.#backlog.isOver(arrivedAt, reply.peer?.queuedMs) && !isRepeat(call)
    ) {
      return "backlog";
    }
    if (inProgress.size >= this.#limits.maxInProgress) return "in_progress";
    return this.#shares.isFull(call, inProgress) ? "caller_share" : undefined;
  }

  /** Counts a request that isn't answered at once: one that is never meets a bound. */
  begin(call: Call): void {
    this.#shares.begin(call);
  }

  /** Counts it no more. */
  end(call: Call): void {
    this.#shares.end(call);
  }

  /** Makes the line of a tool. */
  line(
    name: string,
    concurrency: number,
    maxWaiting: number = this.#limits.maxWaiting,
  ): Semaphore {
    const { newestFirstAfterMs } = this.#limits;
    return new Semaphore(concurrency, {
      name,
      maxWaiting,
      newestFirstAfterMs,
      clock: this.#clock,
    });
  }

  /**
   * Waits for a call's turn.
   *
   * @param timeoutMs time that its tool gives a call in all
   * @throws {RefusedError} if it doesn't come in time
   */
  async turn(
    line: Semaphore,
    call: Call,
    timeoutMs: number,
  ): Promise<Permit> {
    // To listen for a client that leaves costs more than to refuse it.
    if (line.isFull) throw this.#refuse("queue_full", call);
    const waitMs = Math.min(
      timeoutMs,
      this.#limits.maxWaitMs,
      patienceMs(call.reply.request),
    );
    const since = this.#clock.now();
    this.#standing.add(line);
    try {
      const permit = await line.acquire({
        signal: call.signal,
        timeoutMs: waitMs,
      });
      if (this.#clock.now() - since < timeoutMs - 1) return permit;
      // Its handler would begin with no time left.
      permit.release();
      throw this.#refuse("queue_time", call);
    } catch (error) {
      if (error instanceof TimeoutError) {
        throw this.#refuse("queue_time", call);
      }
      throw error;
    } finally {
      if (line.stats.waiting === 0) this.#standing.delete(line);
    }
  }

  /** Number of calls in line. */
  get waiting(): number {
    let waiting = 0;
    for (const line of this.#standing) waiting += line.stats.waiting;
    return waiting;
  }

  /** Milliseconds since which the oldest line stands. */
  get queueAgeMs(): number {
    return Math.max(
      0,
      ...Array.from(this.#standing, (line) => line.stats.standingMs),
    );
  }

  /** @param call the one that it is about, where its tool or its caller is the cause */
  #refuse(cause: RefusalCause, call?: Call): RefusedError {
    this.#counts.set(cause, this.#counts.get(cause)! + 1);
    this.#log.warning(`requests are refused: ${CAUSES[cause]}`, {
      cause,
      ...call?.logFields(),
    });
    return ERRORS.get(cause)!;
  }

  /** Looks after the event loop while the server listens. */
  watch(): void {
    this.#backlog.watch();
  }

  /** Looks after it no longer. */
  close(): void {
    this.#backlog.close();
  }
}

/** Milliseconds that a client is ready to wait, if it says so (RFC 7240, section 4.3). */
function patienceMs(request: Request | undefined): number {
  const prefer = request?.headers.get("prefer");
  const seconds = prefer &&
    /(?:^|[,;])\s*wait\s*=\s*"?(\d+)/i.exec(prefer)?.[1];
  return seconds ? Number(seconds) * 1_000 : Infinity;
}
