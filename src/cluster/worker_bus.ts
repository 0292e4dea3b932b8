import type { Bus, BusListener } from "./bus.ts";
import type { ProcessLink } from "./process_link.ts";

/** What a worker says to others by way of the supervisor. */
export interface RelayedMessage {
  /** The server that it is about: one process may have several. */
  readonly server: string;
  readonly from: string;
  /** A member; all others if it is left out. */
  readonly to?: string;
  readonly text: string;
}

/** Topic on which a worker hears what is said to one of its members, and of a "gap" in it. */
export function inboxOf(member: string): string {
  return `bus ${member}`;
}

/** Carries messages between the workers of one supervisor, which passes them on. */
export class WorkerBus implements Bus {
  readonly member: string = crypto.randomUUID();
  readonly #link: ProcessLink;
  readonly #server: string;
  readonly #joined: Promise<unknown>;
  #listener: BusListener | undefined;
  #connected = false;

  constructor(link: ProcessLink, server: string) {
    this.#link = link;
    this.#server = server;
    link.on(inboxOf(this.member), (body) => {
      if (body === "gap") return this.#listener?.gap();
      const { text, from } = body as RelayedMessage;
      this.#listener?.message(text, from);
    });
    this.#joined = link.ask("bus.join", { server, member: this.member })
      .then(() => this.#connected = true)
      // Nothing goes on without a supervisor: the process ends.
      .catch(() => {});
  }

  get connected(): boolean {
    return this.#connected && !this.#link.closed;
  }

  listen(listener: BusListener): void {
    this.#listener = listener;
  }

  async ready(): Promise<void> {
    await this.#joined;
  }

  async broadcast(text: string): Promise<void> {
    await this.#relay({ text });
  }

  async send(to: string, text: string): Promise<boolean> {
    return await this.#relay({ to, text }) as boolean;
  }

  #relay(message: { to?: string; text: string }): Promise<unknown> {
    return this.#link.ask(
      "bus.relay",
      {
        server: this.#server,
        from: this.member,
        ...message,
      } satisfies RelayedMessage,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#connected = false;
    this.#link.off(inboxOf(this.member));
    this.#link.say("bus.leave", { server: this.#server, member: this.member });
    return Promise.resolve();
  }
}
