import { type Permit, Semaphore } from "../../limit/semaphore.ts";
import {
  type Admission,
  Circuit,
  circuitKind,
  circuitValues,
} from "../../limit/circuit.ts";
import { tellListener } from "../../observe/log/tell_listener.ts";
import { instruments } from "../../observe/metrics/instruments.ts";
import { HttpError, HttpFailedError, HttpTimeoutError } from "./http_errors.ts";
import {
  httpOriginKind,
  type HttpOriginStats,
  httpOriginValues,
} from "./http_stats.ts";
import type { HttpPoolSettings } from "./http_pool_options.ts";
import type { Transport } from "./transport.ts";

/** One origin: who may talk to it, and whether it is worth while. */
export class HttpOrigin {
  /** The means by which it is reached. */
  readonly transport: Transport;
  readonly #semaphore: Semaphore;
  readonly #circuit: Circuit | undefined;
  #requests = 0;
  #failures = 0;
  readonly #untrack: (() => void)[];

  constructor(
    origin: string,
    settings: HttpPoolSettings,
    transport: Transport,
  ) {
    const { maxPerOrigin, maxWaiting, clock } = settings;
    this.transport = transport;
    this.#semaphore = instruments.withdraw(
      new Semaphore(maxPerOrigin, {
        name: origin,
        maxWaiting,
        clock,
      }),
    );
    const labels = { name: settings.name, origin };
    this.#untrack = [
      instruments.track(httpOriginKind, labels, this, httpOriginValues),
    ];
    if (settings.circuit !== false) {
      this.#circuit = new Circuit({
        ...settings.circuit,
        clock,
        onChange: (state) =>
          tellListener(
            "onCircuitChange",
            () => settings.onCircuitChange?.(origin, state),
          ),
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

  /**
   * Lets a request be sent, unless the origin is being left alone.
   *
   * @param place What the request holds while it is under way.
   * @param isPatient Whether it has as much time as the pool gives.
   */
  enter(place: Place, isPatient: boolean): Visit | undefined {
    const admission = this.#circuit?.enter();
    if (this.#circuit !== undefined && admission === undefined) {
      return undefined;
    }
    this.#requests++;
    return new Visit(this, place, isPatient, admission);
  }

  /** Takes note that it didn't answer as it should. */
  countFailure(): void {
    this.#failures++;
  }

  /** True if nobody talks to it or waits for that. */
  get isIdle(): boolean {
    const { active, waiting } = this.#semaphore.stats;
    return active + waiting === 0;
  }

  /** True if its circuit refuses requests. */
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

  /** Its figures are no longer shown, and its connections not kept. */
  close(): void {
    this.transport.close();
    for (const untrack of this.#untrack) untrack();
  }
}

/** The permits that a request holds while it is under way. */
export type Place = readonly [atOrigin: Permit, inPool: Permit];

/** One request's stay at an origin. */
export class Visit {
  #isJudged = false;

  constructor(
    readonly origin: HttpOrigin,
    private readonly place: Place,
    private readonly isPatient: boolean,
    private readonly admission: Admission | undefined,
  ) {}

  /** Says what the request came to; only the first time counts. */
  judge(status: number | undefined, error?: unknown): void {
    if (this.#isJudged) return;
    this.#isJudged = true;
    const failed = status !== undefined && status >= 500 ||
      error instanceof HttpFailedError ||
      error instanceof HttpTimeoutError && this.isPatient;
    const answered = error === undefined || error instanceof HttpError;
    if (failed) {
      this.origin.countFailure();
      this.admission?.end("failure");
    } else {
      this.admission?.end(answered ? "success" : "unknown");
    }
  }

  leave(): void {
    const [atOrigin, inPool] = this.place;
    inPool.release();
    atOrigin.release();
  }
}
