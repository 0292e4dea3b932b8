import type { ProcessLink } from "./process_link.ts";
import { inboxOf, type RelayedMessage } from "./worker_bus.ts";

/** Messages to all that may be on their way to a worker; one that has more is cut off. */
const MAX_UNHEARD = 10_000;

/** The worker confirms one in so many, and with it all before. */
const CONFIRMED = 100;

/**
 * The way from the supervisor to one member. A worker that takes in less than the
 * others say must not fill the supervisor: it misses what there is no room for, and
 * is told so.
 */
export class WorkerInbox {
  readonly link: ProcessLink;
  readonly #topic: string;
  #said = 0;
  #heard = 0;
  /** True until it has been told that it misses something. */
  #cutOff = false;

  constructor(link: ProcessLink, member: string) {
    this.link = link;
    this.#topic = inboxOf(member);
  }

  /** Hands on what was said to this member alone. */
  tell(message: RelayedMessage): void {
    this.link.say(this.#topic, message);
  }

  /** Hands on what was said to all. */
  spread(message: RelayedMessage): void {
    if (this.#cutOff) return;
    if (this.#said - this.#heard >= MAX_UNHEARD) this.#cut();
    else if (++this.#said % CONFIRMED !== 0) this.tell(message);
    else this.#confirmed(message);
  }

  /** What is missed from now on comes before the word of it is heard. */
  #cut(): void {
    this.#cutOff = true;
    this.#confirmed("gap", () => this.#cutOff = false);
  }

  #confirmed(message: RelayedMessage | "gap", then?: () => void): void {
    const said = this.#said;
    this.link.ask(this.#topic, message).then(() => {
      this.#heard = said;
      then?.();
    }, () => {}); // it is gone
  }
}
