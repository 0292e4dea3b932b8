import type { Log } from "../observe/log/log.ts";
import { UnavailableError } from "../base/errors.ts";
import type { Bus } from "./bus.ts";

/** Version of what members say to each other; what a newer one adds, an older one passes over. */
const VERSION = 1;

/** Takes what another member said on a subject. */
export type MemberListener = (body: unknown, from: string) => void;

/** One thing said between members. */
interface Utterance {
  readonly v: number;
  /** What it is about. */
  readonly on: string;
  readonly body: unknown;
}

/** The other processes of this server, spoken to by subject over one bus. */
export class Cluster {
  readonly #bus: Bus;
  readonly #listeners: Map<string, MemberListener> = new Map();
  readonly #onGap: (() => void)[] = [];

  constructor(bus: Bus, log: Log) {
    this.#bus = bus;
    bus.listen({
      message: (text, from) => {
        try {
          this.#hear(text, from);
        } catch (error) {
          log.error("a message of another replica was not understood", {
            error,
          });
        }
      },
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

  #hear(text: string, from: string): void {
    const { v, on, body } = JSON.parse(text) as Utterance;
    if (v === VERSION) this.#listeners.get(on)?.(body, from);
  }
}

function textOf(on: string, body: unknown): string {
  return JSON.stringify({ v: VERSION, on, body } satisfies Utterance);
}
