import { sleep } from "../base/abort.ts";
import type { Clock } from "../base/clock.ts";
import { thrownText } from "../base/thrown.ts";
import type { Log } from "../observe/log/log.ts";

/** Milliseconds until it is tried again to listen: others may let descriptors go. */
const AGAIN_MS = 100;

/** Parts of its server that a listener works with. */
export interface LastingListenerParts {
  /** Begins to listen; 0 takes any free port. */
  listen(port: number): Deno.HttpServer<Deno.NetAddr>;
  readonly log: Log;
  readonly clock: Clock;
}

/**
 * A listener that listens again when accepting connections fails, as it does in a
 * process that has run out of file descriptors: Deno (2.9) then gives up on it, and
 * what nobody catches ends the process. The connections that are open live on.
 */
export class LastingListener {
  readonly #parts: LastingListenerParts;
  readonly #port: number;
  readonly #over = Promise.withResolvers<void>();
  readonly #ending = new AbortController();
  /** Those that have failed first, whose connections may still be open. */
  readonly #listeners: Deno.HttpServer<Deno.NetAddr>[] = [];

  /** @throws what listening throws, the first time */
  constructor(parts: LastingListenerParts, port: number) {
    this.#parts = parts;
    this.#begin(port);
    this.#port = this.addr.port;
  }

  get #newest(): Deno.HttpServer<Deno.NetAddr> {
    return this.#listeners.at(-1)!;
  }

  get addr(): Deno.NetAddr {
    return this.#newest.addr;
  }

  /** Resolves when it has been shut down. */
  get finished(): Promise<void> {
    return this.#over.promise;
  }

  #begin(port: number): void {
    const listener = this.#parts.listen(port);
    this.#listeners.push(listener);
    listener.finished.then(
      () => this.#over.resolve(),
      (error) => this.#listenAgain(error),
    );
  }

  async #listenAgain(error: unknown): Promise<void> {
    const { log, clock } = this.#parts;
    const { signal } = this.#ending;
    try {
      while (!signal.aborted) {
        log.error(
          `connections can't be accepted: ${thrownText(error)}; ` +
            "allow the process more open files (ulimit -n)",
        );
        await sleep(AGAIN_MS, { signal, clock });
        try {
          return this.#begin(this.#port);
        } catch (failure) {
          error = failure;
        }
      }
    } catch {
      // It is shut down.
    }
    this.#over.resolve();
  }

  /** Accepts no more, and resolves when what is open has ended. */
  async shutdown(): Promise<void> {
    this.#ending.abort();
    await Promise.allSettled(this.#listeners.map((each) => each.shutdown()));
  }

  /** Lets the process end while it listens. */
  unref(): void {
    for (const listener of this.#listeners) listener.unref();
  }
}
