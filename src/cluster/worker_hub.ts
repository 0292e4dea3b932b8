import type { ProcessLink } from "./process_link.ts";
import type { RemoteCall } from "./remote_store.ts";
import type { RelayedMessage } from "./worker_bus.ts";
import { WorkerInbox } from "./worker_inbox.ts";

/** A member that joins or leaves. */
interface Membership {
  readonly server: string;
  readonly member: string;
}

/**
 * Makers of the stores that a supervisor holds for its workers, by kind; they are
 * told how to reach another one of the same server.
 */
export type StoreMakers<Kind extends string = string> = Readonly<
  Record<Kind, (held: (kind: Kind) => object) => object>
>;

/**
 * The middle of the workers of one machine: passes on what they say to each
 * other, and holds what they share.
 */
export class WorkerHub {
  readonly #makers: StoreMakers;
  readonly #members: Map<string, Map<string, WorkerInbox>> = new Map();
  readonly #stores: Map<string, object> = new Map();

  constructor(makers: StoreMakers = {}) {
    this.#makers = makers;
  }

  /** Serves a worker; returns how to forget it. */
  connect(link: ProcessLink): () => void {
    link.on("bus.join", (body) => {
      const { server, member } = body as Membership;
      this.#of(server).set(member, new WorkerInbox(link, member));
    });
    link.on("bus.leave", (body) => {
      const { server, member } = body as Membership;
      this.#of(server).delete(member);
    });
    link.on("bus.relay", (body) => this.#relay(body as RelayedMessage));
    link.on("store", (body) => this.#call(body as RemoteCall));
    return () => {
      for (const members of this.#members.values()) {
        for (const [member, each] of members) {
          if (each.link === link) members.delete(member);
        }
      }
    };
  }

  #of(server: string): Map<string, WorkerInbox> {
    return this.#members.getOrInsertComputed(server, () => new Map());
  }

  /** Tells if the member that it was for is there. */
  #relay(message: RelayedMessage): boolean {
    const { server, from, to } = message;
    const members = this.#of(server);
    if (to !== undefined) {
      members.get(to)?.tell(message);
      return members.has(to);
    }
    for (const [member, inbox] of members) {
      if (member !== from) inbox.spread(message);
    }
    return true;
  }

  #call({ server, kind, method, args }: RemoteCall): unknown {
    const store = this.#held(server, kind);
    return (store as Record<string, (...args: unknown[]) => unknown>)[method](
      ...args,
    );
  }

  #held(server: string, kind: string): object {
    if (!Object.hasOwn(this.#makers, kind)) {
      throw new Error(
        `the supervisor holds no ${kind}: is it of another release?`,
      );
    }
    return this.#stores.getOrInsertComputed(
      `${kind} ${server}`,
      () => this.#makers[kind]((other) => this.#held(server, other)),
    );
  }
}
