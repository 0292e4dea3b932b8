import { abortable } from "../../base/abort.ts";
import type { Clock, TimerHandle } from "../../base/clock.ts";
import { deadline } from "../../base/deadline.ts";
import { type Admission, Circuit, circuitKind } from "../../limit/circuit.ts";
import type { HealthResult } from "../../observe/health/health_check.ts";
import {
  instruments,
  type InstrumentValues,
} from "../../observe/metrics/instruments.ts";
import { RedisConnection } from "../../redis/redis_connection.ts";
import {
  type RedisArgument,
  redisFailure,
  type RedisOpener,
  type RedisPort,
  refusalOf,
} from "../../redis/redis_port.ts";
import { ReplyDeadlines } from "../../redis/reply_deadlines.ts";

/** Stands for a reply that didn't come in time, or at all. */
export const unavailable: unique symbol = Symbol("unavailable");

/** Number of pings that a probe sends at the most. */
const PINGS = 3;

/** Options of a {@linkcode RedisLink}. */
export interface RedisLinkOptions {
  /** Name in the log and metrics. */
  readonly name: string;
  /** A connection that someone else keeps, or how to open one. */
  readonly commands: RedisPort | RedisOpener;
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly failureThreshold: number;
  readonly probeMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: (message: string) => void;
  /** Called before Redis is used again; what it rejects keeps it unused. */
  readonly onRecover: (port: RedisPort) => Promise<void>;
}

/** Use that is made of Redis: none yet, all, or none for now. */
export type RedisState = "connecting" | "closed" | "open";

/** Statistics of a {@linkcode RedisCache}'s way to Redis. */
export interface RedisCircuitStats {
  /** `closed`: in use; `open`: given up for now and probed. */
  readonly state: RedisState;
  /** Operations that Redis answered too late. */
  readonly timeouts: number;
  /** Operations that Redis refused, or that the connection lost. */
  readonly errors: number;
  /** Operations not even sent because the circuit wasn't closed. */
  readonly skipped: number;
  /** Times the circuit opened. */
  readonly opened: number;
}

/**
 * Sends commands to Redis, and never makes a caller wait for one that is dead
 * or slow: a late reply counts as none, and after several of these in a row
 * nothing more is sent until a probe is answered in time.
 */
export class RedisLink {
  readonly #options: RedisLinkOptions;
  readonly #connection: RedisConnection | undefined;
  readonly #circuit: Circuit;
  readonly #deadlines: ReplyDeadlines;
  /** The kinds of refusals that the log knows of. */
  readonly #refusals = new Set<string>();
  /** What was refused since the last health check, and not taken since. */
  readonly #refusedNow = new Map<RedisArgument, unknown>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #untrack: () => void;
  #port: RedisPort | undefined;
  /** Neither reached nor given up yet. */
  #isConnecting = true;
  #reason = "";
  #timeouts = 0;
  #errors = 0;
  #skipped = 0;
  #timer: TimerHandle;
  #probing: AbortController | undefined;
  #stopped = false;

  constructor(options: RedisLinkOptions) {
    const { name, commands, clock, failureThreshold, probeMs } = options;
    this.#options = options;
    this.#deadlines = new ReplyDeadlines(clock, options.timeoutMs);
    this.#circuit = new Circuit({
      failures: failureThreshold,
      openMs: probeMs,
      clock,
      onChange: (state) =>
        state === "open" ? this.#opened() : this.#log("Redis is used again"),
    });
    if (typeof commands === "function") {
      this.#connection = new RedisConnection({
        ...options,
        open: commands,
        onOpen: (port) => this.#attach(port),
        onLost: (error) => this.#detach(error),
      });
    } else {
      this.#attach(commands);
    }
    this.#untrack = instruments.track(circuitKind, { name }, this, valuesOf);
  }

  /** True while commands are sent at all. */
  get closed(): boolean {
    return this.#state === "closed";
  }

  /** Settled when Redis was there for the first time. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get stats(): RedisCircuitStats {
    return {
      state: this.#state,
      timeouts: this.#timeouts,
      errors: this.#errors,
      skipped: this.#skipped,
      opened: this.#circuit.stats.opened,
    };
  }

  /** The reply, or {@linkcode unavailable}; never rejects. */
  send(args: readonly RedisArgument[], bytes = false): Promise<unknown> {
    const port = this.#port;
    const call = this.#state === "closed" ? this.#circuit.enter() : undefined;
    if (port === undefined || call === undefined) {
      this.#skipped++;
      return Promise.resolve(unavailable);
    }
    return new Promise((resolve) => {
      const pending = this.#deadlines.add(() => {
        this.#expired(call);
        resolve(unavailable);
      });
      dispatch(port, args, bytes).then((reply) => {
        pending.done = true;
        call.end("success");
        if (this.#refusedNow.size > 0) this.#refusedNow.delete(args[0]);
        resolve(reply);
      }, (error) => {
        if (!pending.done) this.#failed(call, error, args[0]);
        pending.done = true;
        resolve(unavailable);
      });
    });
  }

  /**
   * Finds out whether Redis does what it is asked, however late: a late answer is
   * no reason to call it dead. This counts neither for the circuit nor against it.
   */
  async checkHealth(
    args: readonly RedisArgument[],
    signal: AbortSignal | undefined,
  ): Promise<HealthResult> {
    const port = this.#port;
    if (this.#state !== "closed" || port === undefined) {
      return { status: "unhealthy", message: this.#trouble() };
    }
    try {
      await abortable(dispatch(port, args, false), signal);
    } catch (error) {
      if (refusalOf(error) !== undefined) return degraded(error);
      return { status: "unhealthy", message: unusedBecause.closed };
    }
    const [refusal] = this.#refusedNow.values();
    this.#refusedNow.clear();
    return refusal === undefined ? { status: "healthy" } : degraded(refusal);
  }

  /** The reason why Redis isn't used. */
  #trouble(): string {
    const trouble = unusedBecause[this.#state];
    return this.#state === "open" ? `${trouble}: ${this.#reason}` : trouble;
  }

  close(): void {
    this.#untrack();
    this.#stopped = true;
    this.#endProbe();
    this.#deadlines.stop();
    this.#connection?.close();
    this.#ready.resolve();
  }

  get #state(): RedisState {
    if (this.#stopped) return "open";
    if (this.#isConnecting) return "connecting";
    return this.#circuit.state === "closed" ? "closed" : "open";
  }

  #attach(port: RedisPort): void {
    this.#port = port;
    this.#probe(port);
  }

  #detach(error: unknown): void {
    this.#port = undefined;
    this.#endProbe();
    this.#giveUp(redisFailure(error));
  }

  #expired(call: Admission): void {
    this.#timeouts++;
    this.#fail(call, `it gave no answer within ${this.#options.timeoutMs} ms`);
  }

  #failed(call: Admission, error: unknown, command: RedisArgument): void {
    this.#errors++;
    const message = redisFailure(error);
    const refusal = refusalOf(error);
    if (refusal === undefined) return this.#fail(call, message);
    this.#refusedNow.set(command, error);
    if (this.#refusals.has(refusal)) return;
    this.#refusals.add(refusal);
    this.#log(`Redis refuses commands: ${message}`);
  }

  #fail(call: Admission, reason: string): void {
    this.#reason = reason;
    call.end("failure");
  }

  #giveUp(reason: string): void {
    this.#reason = reason;
    this.#isConnecting = false;
    this.#circuit.trip();
  }

  #opened(): void {
    if (this.#stopped) return;
    this.#refusals.clear();
    this.#log(`Redis is not used for now: ${this.#reason}`);
    this.#probeLater();
  }

  async #probe(port: RedisPort): Promise<void> {
    this.#endProbe();
    const { clock, connectTimeoutMs, onRecover } = this.#options;
    const { signal } = this.#probing = new AbortController();
    const trial = this.#circuit.tryNow();
    try {
      const inTime = await deadline(
        async () => {
          if (!await this.#answersInTime(port)) return false;
          await onRecover(port);
          return true;
        },
        connectTimeoutMs,
        { name: "a probe", clock, signal, keepAlive: false },
      );
      if (inTime) this.#recover(port, trial);
      else this.#leaveAlone("it answers too slowly");
    } catch (error) {
      if (!signal.aborted) this.#probeFailed(error);
    }
  }

  /** Asks a few times: the first answer over a new connection is a slow one. */
  async #answersInTime(port: RedisPort): Promise<boolean> {
    const { clock, timeoutMs } = this.#options;
    for (let pings = 0; pings < PINGS; pings++) {
      const start = clock.now();
      await port.command(["PING"]);
      if (clock.now() - start <= timeoutMs) return true;
    }
    return false;
  }

  #recover(port: RedisPort, trial: Admission): void {
    this.#isConnecting = false;
    trial.end("success");
    this.#refusals.clear();
    this.#ready.resolve();
    // For what was forgotten between the end of the last call and this one.
    this.#options.onRecover(port).catch(() => {});
  }

  #probeFailed(error: unknown): void {
    if (refusalOf(error) === undefined && this.#connection !== undefined) {
      return this.#connection.drop(error);
    }
    this.#leaveAlone(redisFailure(error));
  }

  #leaveAlone(reason: string): void {
    this.#giveUp(reason);
    this.#probeLater();
  }

  #probeLater(): void {
    this.#endProbe();
    const port = this.#port;
    if (port === undefined) return;
    const { clock, probeMs } = this.#options;
    this.#timer = clock.setTimeout(() => this.#probe(port), probeMs, {
      keepAlive: false,
    });
  }

  #endProbe(): void {
    this.#probing?.abort();
    this.#options.clock.clearTimeout(this.#timer);
  }

  #log(message: string): void {
    this.#options.log(`cache "${this.#options.name}": ${message}`);
  }
}

/** Reasons why a health check finds Redis unhealthy, by how it is used. */
const unusedBecause: Record<RedisState, string> = {
  connecting: "Redis has not been reached yet",
  closed: "Redis gave no answer",
  open: "Redis is not used for now",
};

function degraded(refusal: unknown): HealthResult {
  const message = `Redis refuses commands: ${redisFailure(refusal)}`;
  return { status: "degraded", message };
}

function valuesOf(
  { stats }: RedisLink,
): InstrumentValues<keyof typeof circuitKind.measures> {
  const { state, opened, skipped, errors, timeouts } = stats;
  const open = state === "open" ? 1 : 0;
  return { open, opened, refused: skipped, errors, timeouts };
}

/** Sends a command by a client that may throw at once as well. */
function dispatch(
  port: RedisPort,
  args: readonly RedisArgument[],
  bytes: boolean,
): Promise<unknown> {
  try {
    return bytes ? port.commandBytes(args) : port.command(args);
  } catch (error) {
    return Promise.reject(error);
  }
}
