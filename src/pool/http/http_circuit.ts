import type { CircuitBreakerPolicy } from "cockatiel";
import type { HttpCircuitOptions } from "./http_pool_options.ts";

/** What a circuit is told of, and asked about, by its owner. */
export interface HttpCircuitHooks {
  /** Whether an error is the origin's fault. */
  isFailure: (error: unknown) => boolean;
  /** Makes the error of a request that isn't let through. */
  onRefused: (url: string) => Error;
  /** Told when the circuit opens and closes. */
  onChange: (state: "open" | "closed") => void;
}

/** Leaves an origin alone once it has failed so often, and tries it again with one request. */
export class HttpCircuit {
  readonly #policy: CircuitBreakerPolicy;
  readonly #library: typeof import("cockatiel");
  readonly #onRefused: (url: string) => Error;

  private constructor(
    library: typeof import("cockatiel"),
    { failures, openMs }: Required<HttpCircuitOptions>,
    { isFailure, onRefused, onChange }: HttpCircuitHooks,
  ) {
    const { circuitBreaker, handleWhen, ConsecutiveBreaker } = library;
    this.#library = library;
    this.#onRefused = onRefused;
    // A caller who gives the trial request up has proved nothing: the circuit
    // must not close on it, as it would on an error that isn't a failure.
    const failure = handleWhen((error) => this.#onTrial || isFailure(error))
      .orWhenResult((response) => (response as Response).status >= 500);
    this.#policy = circuitBreaker(failure, {
      halfOpenAfter: openMs,
      breaker: new ConsecutiveBreaker(failures),
    });
    this.#policy.onBreak(() => onChange("open"));
    this.#policy.onReset(() => onChange("closed"));
  }

  /** Loads the library behind it, the first time. */
  static async create(
    options: Required<HttpCircuitOptions>,
    hooks: HttpCircuitHooks,
  ): Promise<HttpCircuit> {
    return new HttpCircuit(await import("cockatiel"), options, hooks);
  }

  /** Sends a request, unless the circuit is open or its trial request is out. */
  async run(url: string, send: () => Promise<Response>): Promise<Response> {
    if (this.#onTrial) throw this.#onRefused(url);
    try {
      return await this.#policy.execute(send);
    } catch (error) {
      if (this.#library.isBrokenCircuitError(error)) throw this.#onRefused(url);
      throw error;
    }
  }

  /** Whether it lets requests through. */
  get state(): "closed" | "open" | "half-open" {
    const { Closed, HalfOpen } = this.#library.CircuitState;
    if (this.#policy.state === Closed) return "closed";
    return this.#policy.state === HalfOpen ? "half-open" : "open";
  }

  get #onTrial(): boolean {
    return this.state === "half-open";
  }
}
