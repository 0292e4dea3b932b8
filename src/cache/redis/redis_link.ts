import { abortable } from "../../base/abort.ts";
import type { Clock, TimerHandle } from "../../base/clock.ts";
import { TimeoutError } from "../../base/errors.ts";
import { circuitKind } from "../../limit/circuit_kind.ts";
import { redisFailure } from "../../redis/redis_failure.ts";
import {
  instruments,
  type InstrumentValues,
} from "../../observe/instruments.ts";
import { Deadlines, type Expirable } from "./reply_deadlines.ts";
import { RedisConnection } from "../../redis/redis_connection.ts";
import type {
  RedisArgument,
  RedisOpener,
  RedisPort,
} from "../../redis/redis_port.ts";

/** Stands for a reply that didn't come in time, or at all. */
export const unavailable: unique symbol = Symbol("unavailable");

/** How an error begins that Redis itself answers with. */
const REFUSAL = /^-?[A-Z]{2,}(?= |$)/;

/** How many pings a probe sends at the most. */
const PINGS = 3;

/** How a {@linkcode RedisCircuit} protects its callers. */
export interface RedisCircuitOptions {
  /** What the log and metrics call it. */
  readonly name: string;
  /** A connection that someone else keeps, or how to open one. */
  readonly link: RedisPort | RedisOpener;
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly failureThreshold: number;
  readonly probeMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: (message: string) => void;
  /** Called before Redis is used again; what it rejects keeps the circuit open. */
  readonly onRecover: (port: RedisPort) => Promise<void>;
}

/** Whether Redis is used: not yet, yes, or no. */
export type RedisState = "connecting" | "closed" | "open";

/** What a {@linkcode RedisCircuit} has counted. */
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
export class RedisCircuit {
  readonly #options: RedisCircuitOptions;
  readonly #connection: RedisConnection | undefined;
  readonly #deadlines: Deadlines;
  readonly #refusals = new Set<string>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #untrack: () => void;
  #port: RedisPort | undefined;
  #state: RedisState = "connecting";
  #failuresInRow = 0;
  #timeouts = 0;
  #errors = 0;
  #skipped = 0;
  #opened = 0;
  #timer: TimerHandle;
  /** Counts probes, so that the end of an old one can be told. */
  #probe = 0;
  #stopped = false;

  constructor(options: RedisCircuitOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock, options.timeoutMs);
    if (typeof options.link === "function") {
      this.#connection = new RedisConnection({
        ...options,
        open: options.link,
        onOpen: (port) => this.#attach(port),
        onLost: (error) => this.#detach(error),
      });
    } else {
      this.#attach(options.link);
    }
    this.#untrack = instruments.track(
      circuitKind,
      { name: options.name },
      this,
      valuesOf,
    );
  }

  /** Whether commands are sent at all. */
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
      opened: this.#opened,
    };
  }

  /** The reply, or {@linkcode unavailable}; never rejects. */
  send(args: readonly RedisArgument[], bytes = false): Promise<unknown> {
    const port = this.#port;
    if (this.#state !== "closed" || port === undefined) {
      this.#skipped++;
      return Promise.resolve(unavailable);
    }
    return new Promise((resolve) => {
      const operation = new Operation(resolve, () => this.#expired());
      this.#deadlines.add(operation);
      dispatch(port, args, bytes).then((reply) => {
        this.#failuresInRow = 0;
        operation.settle(reply);
      }, (error) => {
        if (!operation.done) this.#failed(error);
        operation.settle(unavailable);
      });
    });
  }

  /**
   * Whether Redis answers at all, however late: what a health check asks. It
   * counts neither for the circuit nor against it.
   */
  async answers(signal: AbortSignal | undefined): Promise<boolean> {
    const port = this.#port;
    if (this.#state !== "closed" || port === undefined) return false;
    try {
      await abortable(dispatch(port, ["PING"], false), signal);
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    this.#untrack();
    this.#stopped = true;
    this.#state = "open";
    this.#endProbe();
    this.#deadlines.stop();
    this.#connection?.close();
    this.#ready.resolve();
  }

  #attach(port: RedisPort): void {
    this.#port = port;
    this.#startProbe(port);
  }

  #detach(error: unknown): void {
    this.#port = undefined;
    this.#endProbe();
    this.#open(redisFailure(error));
  }

  #expired(): void {
    this.#timeouts++;
    this.#fail(`it gave no answer within ${this.#options.timeoutMs} ms`);
  }

  #failed(error: unknown): void {
    this.#errors++;
    const message = redisFailure(error);
    const refusal = REFUSAL.exec(message)?.[0];
    if (refusal === undefined) return this.#fail(message);
    if (this.#refusals.has(refusal)) return;
    this.#refusals.add(refusal);
    this.#log(`Redis refuses commands: ${message}`);
  }

  #fail(reason: string): void {
    if (++this.#failuresInRow < this.#options.failureThreshold) return;
    if (this.#state !== "closed" || this.#stopped) return;
    this.#open(reason);
    this.#probeLater();
  }

  #open(reason: string): void {
    if (this.#state === "open") return;
    this.#state = "open";
    this.#opened++;
    this.#refusals.clear();
    this.#log(`Redis is not used for now: ${reason}`);
  }

  #recover(port: RedisPort): void {
    this.#endProbe();
    if (this.#state === "open") this.#log("Redis is used again");
    this.#state = "closed";
    this.#failuresInRow = 0;
    this.#refusals.clear();
    this.#ready.resolve();
    // For what was forgotten between the end of the last call and this one.
    this.#options.onRecover(port).catch(() => {});
  }

  #startProbe(port: RedisPort): void {
    this.#endProbe();
    const probe = this.#probe;
    const isCurrent = (): boolean => probe === this.#probe;
    const { clock, connectTimeoutMs } = this.#options;
    const fail = (error: unknown): void => {
      if (isCurrent()) this.#probeFailed(error);
    };
    this.#timer = clock.setTimeout(
      () => fail(new TimeoutError("a probe", connectTimeoutMs)),
      connectTimeoutMs,
      { keepAlive: false },
    );
    this.#answersInTime(port).then(async (inTime) => {
      if (!isCurrent()) return;
      if (!inTime) {
        this.#open("it answers too slowly");
        return this.#probeLater();
      }
      await this.#options.onRecover(port);
      if (isCurrent()) this.#recover(port);
    }).catch(fail);
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

  #probeFailed(error: unknown): void {
    const isRefusal = REFUSAL.test(redisFailure(error));
    if (!isRefusal && this.#connection !== undefined) {
      return this.#connection.drop(error);
    }
    this.#open(redisFailure(error));
    this.#probeLater();
  }

  #probeLater(): void {
    this.#endProbe();
    if (this.#port === undefined) return;
    const port = this.#port;
    const { clock, probeMs } = this.#options;
    this.#timer = clock.setTimeout(() => this.#startProbe(port), probeMs, {
      keepAlive: false,
    });
  }

  #endProbe(): void {
    this.#probe++;
    this.#options.clock.clearTimeout(this.#timer);
  }

  #log(message: string): void {
    this.#options.log(`cache "${this.#options.name}": ${message}`);
  }
}

/** A command that waits for its reply. */
class Operation implements Expirable {
  readonly #resolve: (reply: unknown) => void;
  readonly #onExpired: () => void;
  deadline = 0;
  done = false;

  constructor(resolve: (reply: unknown) => void, onExpired: () => void) {
    this.#resolve = resolve;
    this.#onExpired = onExpired;
  }

  settle(reply: unknown): void {
    if (this.done) return;
    this.done = true;
    this.#resolve(reply);
  }

  expire(): void {
    this.#onExpired();
    this.settle(unavailable);
  }
}

function valuesOf(
  { stats }: RedisCircuit,
): InstrumentValues<keyof typeof circuitKind.measures> {
  const { state, opened, skipped, errors, timeouts } = stats;
  const open = state === "open" ? 1 : 0;
  return { open, opened, refused: skipped, errors, timeouts };
}

/** A client may throw at once as well. */
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
