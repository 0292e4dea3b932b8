import type { Clock } from "../../base/clock.ts";
import { deadline } from "../../base/deadline.ts";
import type { Semaphore } from "../../limit/semaphore.ts";
import type { Admission } from "../admission/admission.ts";
import type { Call } from "../calls/call.ts";
import type { ToolConfig } from "./tool_config.ts";

/** Parts of its server that a tool's limits need. */
export interface ToolLimitsHost {
  readonly clock: Clock;
  /** Makes the lines in which calls wait for their turn. */
  readonly admission: Pick<Admission, "line">;
}

type Limited = Pick<ToolConfig, "timeoutMs" | "concurrency" | "maxWaiting">;

/** The limits under which a tool's handler runs: how many at once, and how long. */
export class ToolLimits {
  readonly #host: ToolLimitsHost;
  readonly #name: string;
  readonly #timeoutMs: number;
  /** The line for its `concurrency`, where that is limited. */
  readonly line: Semaphore | undefined;

  private constructor(
    name: string,
    config: Limited,
    host: ToolLimitsHost,
  ) {
    const { timeoutMs = Infinity, concurrency, maxWaiting } = config;
    this.#host = host;
    this.#name = name;
    this.#timeoutMs = timeoutMs;
    if (concurrency !== undefined) {
      this.line = host.admission.line(name, concurrency, maxWaiting);
    }
  }

  /** The limits that a tool is registered with; `undefined` if it has none. */
  static of(
    tool: string,
    config: Limited,
    host: ToolLimitsHost,
  ): ToolLimits | undefined {
    return config.timeoutMs === undefined && config.concurrency === undefined
      ? undefined
      : new ToolLimits(`tool ${tool}`, config, host);
  }

  /** Runs a call's work when its turn has come, for the time that is left. */
  async run(call: Call, work: () => Promise<unknown>): Promise<unknown> {
    const { clock } = this.#host;
    let leftMs = this.#timeoutMs;
    let name = this.#name;
    let permit = this.line?.tryAcquire();
    if (permit === undefined && this.line !== undefined) {
      const since = clock.now();
      permit = await call.host.turn(this.line, call, leftMs);
      const waitedMs = clock.now() - since;
      call.measure?.waited(waitedMs);
      leftMs = Math.max(0, Math.round(leftMs - waitedMs));
      name = `${name}, after ${Math.round(waitedMs)} ms in line,`;
    }
    using _permit = permit;
    if (leftMs === Infinity) return await work();
    return await deadline(
      (signal) => {
        const late = () => call.expire(signal.reason);
        signal.addEventListener("abort", late, { once: true });
        return work();
      },
      leftMs,
      { name, clock },
    );
  }
}
