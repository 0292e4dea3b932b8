import type { Bus, BusListener } from "./bus.ts";

/**
 * Buses of several servers in one process, such as those of a test.
 *
 * @example
 * ```ts
 * import { McpServer, MemoryBusHub } from "@sluice/mcp";
 *
 * const hub = new MemoryBusHub();
 * const info = { name: "users", version: "1.0.0" };
 * const one = new McpServer(info, { bus: hub.join() });
 * const other = new McpServer(info, { bus: hub.join() });
 * ```
 */
export class MemoryBusHub {
  readonly #members: Map<string, MemoryBus> = new Map();

  /** Makes a bus for one more member. */
  join(): Bus {
    const bus = new MemoryBus(this.#members);
    this.#members.set(bus.member, bus);
    return bus;
  }
}

class MemoryBus implements Bus {
  readonly member: string = crypto.randomUUID();
  readonly #members: Map<string, MemoryBus>;
  #listener: BusListener | undefined;

  constructor(members: Map<string, MemoryBus>) {
    this.#members = members;
  }

  get connected(): boolean {
    return this.#members.has(this.member);
  }

  listen(listener: BusListener): void {
    this.#listener = listener;
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  broadcast(text: string): Promise<void> {
    for (const other of this.#members.values()) {
      if (other !== this) other.#hear(text, this.member);
    }
    return Promise.resolve();
  }

  send(member: string, text: string): Promise<boolean> {
    const other = this.#members.get(member);
    if (other === undefined) return Promise.resolve(false);
    other.#hear(text, this.member);
    return Promise.resolve(true);
  }

  #hear(text: string, from: string): void {
    // Never before the sender is done, as over any other way.
    queueMicrotask(() => this.#listener?.message(text, from));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#members.delete(this.member);
    return Promise.resolve();
  }
}
