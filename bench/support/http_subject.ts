/** A target under load: its server's process, and a sample per slice. */
import type { HttpTarget } from "./http_targets.ts";
import { loadCore } from "./pinning.ts";
import { ServerProcess } from "./server_process.ts";
import { messagesOf } from "./wire.ts";
import { wrk } from "./wrk.ts";

/** What one slice of load measured. */
export interface Sample {
  perSecond: number;
  perCpuSecond: number;
}

/** How a slice of load is made. */
export interface Load {
  seconds: number;
  connections: number;
}

/** A running target; disposing ends its server. */
export class HttpSubject implements AsyncDisposable {
  readonly target: HttpTarget;
  readonly samples: Sample[] = [];
  readonly #server: ServerProcess;
  readonly #url: string;
  #answerBytes = 0;

  private constructor(target: HttpTarget, server: ServerProcess) {
    this.target = target;
    this.#server = server;
    this.#url = `http://127.0.0.1:${server.port}/mcp`;
  }

  /** Starts the target's server; `bytes` is the size of the answer that it equals, if it has one. */
  static async start(
    target: HttpTarget,
    bytes: number | undefined,
  ): Promise<HttpSubject> {
    const server = await ServerProcess.start({
      script: target.script,
      env: { ...target.env, BYTES: String(bytes ?? 0) },
    });
    return new HttpSubject(target, server);
  }

  /** Size of the last verified answer's body. */
  get answerBytes(): number {
    return this.#answerBytes;
  }

  /**
   * Sends the target's request once and keeps the answer's size.
   *
   * @throws {Error} when the answer is not the right one.
   */
  async verify(): Promise<void> {
    const response = await fetch(this.#url, {
      method: "POST",
      ...this.target.request,
    });
    const bytes = await response.bytes();
    const text = new TextDecoder().decode(bytes);
    const wrong = response.ok
      ? this.target.check?.(
        messagesOf(response.headers.get("content-type") ?? "", text),
      )
      : `status ${response.status}`;
    if (wrong !== undefined) {
      throw new Error(`${wrong}; the answer was: ${text.slice(0, 300)}`);
    }
    this.#answerBytes = bytes.length;
  }

  /**
   * Loads the server until its figure has stopped rising, `maxSeconds` at
   * most: the official SDKs take up to 20 s until their code is compiled.
   */
  async warmUp(connections: number, maxSeconds: number): Promise<void> {
    let best = 0;
    let sinceRise = 0;
    for (let second = 0; second < maxSeconds && sinceRise < 4; second++) {
      const { perCpuSecond } = await this.#slice({ connections, seconds: 1 });
      sinceRise = perCpuSecond > best * 1.02 ? 0 : sinceRise + 1;
      best = Math.max(best, perCpuSecond);
    }
  }

  /** Loads the server for one slice and keeps what was measured. */
  async measure(load: Load): Promise<void> {
    this.samples.push(await this.#slice(load));
  }

  async #slice(load: Load): Promise<Sample> {
    const cpuBefore = this.#server.cpuMs();
    const { requests, durationMs, errors } = await wrk({
      ...load,
      url: this.#url,
      request: this.target.request,
      core: loadCore,
    });
    const cpuMs = this.#server.cpuMs() - cpuBefore;
    if (errors > 0) throw new Error(`${errors} of ${requests} answers failed`);
    return {
      perSecond: requests * 1_000 / durationMs,
      perCpuSecond: requests * 1_000 / cpuMs,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
