import type { Clock } from "../base/clock.ts";
import { deadline } from "../base/deadline.ts";
import { TimeoutError, UnavailableError } from "../base/errors.ts";
import type { Log } from "../observe/log/log.ts";
import type { Bus } from "./bus.ts";

/** Version of what members say to each other; what a newer one adds, an older one passes over. */
const VERSION = 1;

/** Subject under which a member confirms what was handed to it. */
const TAKEN = "taken";

/** Time that a member has to take what is handed to it, in milliseconds. */
const TAKING_MS = 2_000;

/**
 * Takes what another member said on a subject; who handed it over is told if that
 * gives true, or a text that says why it was not taken.
 */
export type MemberListener = (body: unknown, from: string) => unknown;

/** One thing said between members. */
interface Utterance {
  readonly v: number;
  /** What it is about. */
  readonly on: string;
  readonly body: unknown;
  /** Sent along by who waits to hear that it was taken. */
  readonly ref?: string;
}

/** Confirmation of what was handed over. */
interface Taken {
  readonly ref: string;
  readonly taken: boolean;
  /** Why it was not; an older release doesn't say. */
  readonly why?: string;
}

/** The other processes of this server, spoken to by subject over one bus. */
export class Cluster {
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Told whether what was handed over has been taken, by what was sent along. */
  readonly #handed: Map<string, (taken: boolean | string) => void> = new Map();
  readonly #ended = new AbortController();
  readonly #listeners: Map<string, MemberListener> = new Map();
  readonly #onGap: (() => void)[] = [];

  constructor(
    bus: Bus,
    { clock, log }: { readonly clock: Clock; readonly log: Log },
  ) {
    this.#bus = bus;
    this.#clock = clock;
    this.#log = log;
    this.on(TAKEN, (body) => {
      const { ref, taken, why } = body as Taken;
      this.#handed.get(ref)?.(why ?? taken);
    });
    bus.listen({
      message: (text, from) => void this.#hear(text, from),
      gap: () => {
        for (const each of this.#onGap) each();
      },
    });
  }

  /** Name of this process among the others. */
  get member(): string {
    return this.#bus.member;
  }

  /** False while what the others say may be missed. */
  get hearing(): boolean {
    return this.#bus.connected;
  }

  /** @throws {UnavailableError} if the others aren't heard */
  requireHearing(): void {
    if (this.hearing) return;
    throw new UnavailableError("the bus", "the other replicas aren't heard");
  }

  /** Hands what is said on a subject to its one listener. */
  on(subject: string, listener: MemberListener): void {
    this.#listeners.set(subject, listener);
  }

  /** Has the callback called whenever messages may have been missed. */
  onGap(callback: () => void): void {
    this.#onGap.push(callback);
  }

  /** @throws {UnavailableError} */
  say(subject: string, body: unknown): Promise<void> {
    return this.#bus.broadcast(textOf(subject, body));
  }

  /**
   * Says something to one member; tells if it is there.
   *
   * @throws {UnavailableError}
   */
  tell(member: string, subject: string, body: unknown): Promise<boolean> {
    return this.#bus.send(member, textOf(subject, body));
  }

  /**
   * Hands something to one member and waits until it has been taken: what has been
   * sent may yet be lost on its way. Gives false if the member has no use for it, or
   * its text if it says why it refuses it.
   *
   * @throws {UnavailableError} if the member isn't there, or doesn't say
   */
  async hand(
    member: string,
    subject: string,
    body: unknown,
  ): Promise<boolean | string> {
    const ref = crypto.randomUUID();
    const taking = Promise.withResolvers<boolean | string>();
    this.#handed.set(ref, taking.resolve);
    try {
      return await deadline(
        async () => {
          const text = textOf(subject, body, ref);
          if (!await this.#bus.send(member, text)) throw unreachable();
          return await taking.promise;
        },
        TAKING_MS,
        { clock: this.#clock, signal: this.#ended.signal },
      );
    } catch (error) {
      throw error instanceof TimeoutError ? unreachable() : error;
    } finally {
      this.#handed.delete(ref);
    }
  }

  /** Waits for nobody any more. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort(
      new UnavailableError("another replica", "the server ends"),
    );
    return Promise.resolve();
  }

  /** Whatever another release says, or whoever else has the way, fails here alone. */
  async #hear(text: string, from: string): Promise<void> {
    try {
      const { v, on, body, ref } = JSON.parse(text) as Utterance;
      if (v !== VERSION) return;
      const said = await this.#listeners.get(on)?.(body, from);
      if (ref === undefined) return;
      const taken: Taken = typeof said === "string"
        ? { ref, taken: false, why: said }
        : { ref, taken: said === true };
      await this.tell(from, TAKEN, taken);
    } catch (error) {
      this.#misunderstood(error);
    }
  }

  #misunderstood(error: unknown): void {
    this.#log.error("a message of another replica was not understood", {
      error,
    });
  }
}

function unreachable(): UnavailableError {
  return new UnavailableError("another replica", "it can't be reached");
}

function textOf(on: string, body: unknown, ref?: string): string {
  return JSON.stringify({ v: VERSION, on, body, ref } satisfies Utterance);
}
