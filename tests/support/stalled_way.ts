import { closeQuietly, pump } from "./tcp_pump.ts";

/**
 * A way to a port of this machine that a test may stall, so that nothing goes
 * through, or have lead elsewhere, as an address that moves.
 */
export class StalledWay implements Disposable {
  readonly #listener: Deno.TcpListener;
  #target: number;
  readonly #connections = new Set<Deno.TcpConn>();
  #open = Promise.withResolvers<void>();

  constructor(target: number) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#open.resolve();
    this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  stall(): void {
    this.#open = Promise.withResolvers();
  }

  resume(): void {
    this.#open.resolve();
  }

  /** New connections go to another port; those that stand are as they were. */
  moveTo(port: number): void {
    this.#target = port;
  }

  [Symbol.dispose](): void {
    this.resume();
    this.#listener.close();
    for (const connection of this.#connections) closeQuietly(connection);
  }

  async #accept(): Promise<void> {
    for await (const near of this.#listener) {
      this.#connections.add(near);
      void this.#join(near);
    }
  }

  async #join(near: Deno.TcpConn): Promise<void> {
    try {
      const far = await Deno.connect({
        hostname: "127.0.0.1",
        port: this.#target,
      });
      this.#connections.add(far);
      const turn = () => this.#open.promise;
      pump(near, far, turn);
      pump(far, near, turn);
    } catch {
      // Nobody is there: who came learns of it as it would without this way.
      closeQuietly(near);
    }
  }
}
