import { type Permit, Semaphore } from "../../limit/semaphore.ts";
import {
  type Admission,
  Circuit,
  circuitKind,
  circuitValues,
} from "../../limit/circuit.ts";
import { instruments } from "../../observe/instruments.ts";
import { HttpFailedError, HttpTimeoutError } from "./http_errors.ts";
import {
  httpOriginKind,
  type HttpOriginStats,
  httpOriginValues,
} from "./http_stats.ts";
import type {
  HttpCircuitOptions,
  HttpPoolSettings,
} from "./http_pool_options.ts";

/** One origin: who may talk to it, and whether it is worth while. */
export class HttpOrigin {
  readonly #settings: HttpPoolSettings;
  readonly #semaphore: Semaphore;
  readonly #circuit: Circuit | undefined;
  #heardAtMs = -Infinity;
  #requests = 0;
  #failures = 0;
  readonly #untrack: (() => void)[];

  constructor(origin: string, settings: HttpPoolSettings) {
    const { maxPerOrigin, maxWaiting, clock } = settings;
    this.#settings = settings;
    this.#semaphore = instruments.part(() =>
      new Semaphore(maxPerOrigin, {
        name: origin,
        maxWaiting,
        clock,
      })
    );
    const labels = { name: settings.name, origin };
    this.#untrack = [
      instruments.track(httpOriginKind, labels, this, httpOriginValues),
    ];
    if (settings.circuit !== false) {
      this.#circuit = new Circuit({
        ...settings.circuit,
        clock,
        onChange: (state) => settings.onCircuitChange?.(origin, state),
      });
      this.#untrack.push(
        instruments.track(
          circuitKind,
          labels,
          this.#circuit,
          ({ stats }) => circuitValues(stats),
        ),
      );
    }
  }

  /** Gives the right to talk to it, if that can be had at once. */
  tryAcquire(): Permit | undefined {
    return this.#semaphore.tryAcquire();
  }

  /** Waits for the right to talk to it. */
  acquire(signal: AbortSignal): Promise<Permit> {
    return this.#semaphore.acquire({ signal });
  }

  /** Lets a request be sent, unless it is being left alone. */
  enter(): Admission | undefined {
    const admission = this.#circuit === undefined
      ? always
      : this.#circuit.enter();
    if (admission !== undefined) this.#requests++;
    return admission;
  }

  /** Takes note that it answered. */
  hear(nowMs: number): void {
    this.#heardAtMs = nowMs;
  }

  /**
   * Takes note of how a request ended.
   *
   * @param isPatient Whether it had as much time as the pool gives.
   */
  judge(
    admission: Admission,
    status: number,
    error: unknown,
    isPatient: boolean,
  ): void {
    const failed = error === undefined
      ? status >= 500
      : error instanceof HttpFailedError ||
        error instanceof HttpTimeoutError && isPatient;
    if (failed) this.#failures++;
    if (failed) admission.end("failure");
    else admission.end(error === undefined ? "success" : "unknown");
  }

  /** Whether it answered so lately that its connections may still be open. */
  isWarm(nowMs: number): boolean {
    return nowMs - this.#heardAtMs < this.#settings.keepAliveMs;
  }

  /** Whether nobody talks to it or waits for that. */
  get isIdle(): boolean {
    const { active, waiting } = this.#semaphore.stats;
    return active + waiting === 0;
  }

  /** Whether its circuit refuses requests. */
  get isLeftAlone(): boolean {
    return this.#circuit?.isRefusing ?? false;
  }

  get stats(): HttpOriginStats {
    const circuit = this.#circuit?.stats;
    const { active, waiting } = this.#semaphore.stats;
    return {
      active,
      waiting,
      circuit: circuit?.state ?? "closed",
      requests: this.#requests,
      failures: this.#failures,
      opened: circuit?.opened ?? 0,
      refused: circuit?.refused ?? 0,
    };
  }

  /** Its figures are no longer shown. */
  close(): void {
    for (const untrack of this.#untrack) untrack();
  }
}

/** What an origin without a circuit gives. */
const always: Admission = { end: () => {} };
