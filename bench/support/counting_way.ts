import { closeQuietly, pump } from "../../tests/support/tcp_pump.ts";

/** What went to Redis, and came back. */
export interface WayCounts {
  /** How often something was sent while nothing was awaited. */
  roundTrips: number;
  commands: number;
  sentBytes: number;
  receivedBytes: number;
}

const decoder = new TextDecoder("latin1");
const COMMAND = /\*\d+\r\n\$\d+\r\n[A-Za-z]+\r\n/g;
/** What a replica sends by itself, and what its own hearing of it is. */
const BEAT = "beat:";

/** A way to Redis that counts what goes over it; the heartbeats of replicas are left out. */
export class CountingWay implements Disposable {
  readonly #listener: Deno.TcpListener;
  readonly #target: number;
  readonly #connections: Set<Deno.TcpConn> = new Set();
  #counts = none();

  constructor(target: number) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#accept();
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#listener.addr.port}`;
  }

  /** What was counted since the last time. */
  take(): WayCounts {
    const counts = this.#counts;
    this.#counts = none();
    return counts;
  }

  async #accept(): Promise<void> {
    for await (const near of this.#listener) {
      const far = await Deno.connect({
        hostname: "127.0.0.1",
        port: this.#target,
      });
      near.setNoDelay(true);
      far.setNoDelay(true);
      this.#connections.add(near).add(far);
      let awaiting = false;
      pump(near, far, (bytes) => {
        const text = decoder.decode(bytes);
        if (text.includes(BEAT)) return;
        if (!awaiting) this.#counts.roundTrips++;
        awaiting = true;
        this.#counts.commands += text.match(COMMAND)?.length ?? 0;
        this.#counts.sentBytes += bytes.length;
      });
      pump(far, near, (bytes) => {
        awaiting = false;
        if (!decoder.decode(bytes).includes(BEAT)) {
          this.#counts.receivedBytes += bytes.length;
        }
      });
    }
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#connections) closeQuietly(connection);
  }
}

function none(): WayCounts {
  return { roundTrips: 0, commands: 0, sentBytes: 0, receivedBytes: 0 };
}
