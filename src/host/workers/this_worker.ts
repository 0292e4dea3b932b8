import { sleep } from "../../base/abort.ts";
import { systemClock } from "../../base/clock.ts";
import { readEnv } from "../../base/env.ts";
import { ClosedError, InvalidOptionError } from "../../base/errors.ts";
import type { OperatorDesk } from "../../admin/operator_desk.ts";
import { refuseOperator } from "../../admin/operator_request.ts";
import type { Bus } from "../../cluster/bus.ts";
import { ProcessLink } from "../../cluster/process_link.ts";
import { remoteStore } from "../../cluster/remote_store.ts";
import { TimelyLink } from "../../cluster/timely_link.ts";
import { WorkerBus } from "../../cluster/worker_bus.ts";
import type { RateLimitStore } from "../../limit/rate_limit_store.ts";
import type { LogSink } from "../../observe/log/log.ts";
import { stderrLog } from "../../observe/log/stderr_log.ts";
import {
  type RefusalData,
  RefusedError,
} from "../../protocol/protocol_errors.ts";
import type { SessionStore } from "../../server/sessions/session_store.ts";
import type { TaskLeases } from "../../server/tasks/task_leases.ts";
import type { TaskStore } from "../../server/tasks/task_store.ts";
import type { SentQuestion } from "../operators/operator_messages.ts";

/** The variable by which a supervisor tells a worker who it is. */
export const WORKER_VARIABLE = "SLUICE_WORKER";

/** The time between two probes of the channel, in milliseconds. */
const PROBE_MS = 1_000;

/** What a worker knows from the start. */
export interface WorkerIdentity {
  /** Its name among the workers: "1", "2" and so on; its successor's, too. */
  readonly name: string;
  /** The port that the workers share. */
  readonly port: number;
}

/** The kinds of stores that a supervisor holds. */
export type HeldStore = "sessions" | "rateLimits" | "tasks" | "taskLeases";

/** What a supervisor holds for its workers, as one of them reaches it. */
export interface HeldParts {
  readonly bus: Bus;
  readonly sessions: SessionStore;
  readonly rateLimits: RateLimitStore;
  readonly tasks: TaskStore;
}

/** What a worker's server is asked by its supervisor. */
interface ServingWorker {
  /** Answers what operators ask. */
  readonly desk: Pick<OperatorDesk, "answer">;
  /** Ends it in good order, after a drain. */
  end(drainMs?: number): void;
  readonly finished: Promise<void>;
  /** The time that ending may take at most, in milliseconds. */
  readonly endsWithinMs: number;
}

/** The part of Node's `process` that is used here. */
interface ChannelledProcess {
  send(message: object, done: (error: Error | null) => void): void;
  on(event: "message", listener: (message: object) => void): void;
  on(event: "disconnect", listener: () => void): void;
  disconnect(): void;
  /** `undefined` without a channel, false once that has ended. */
  readonly connected: boolean | undefined;
  readonly channel: { unref(): void };
}

/** This process as a worker, and its channel to the supervisor. */
class ThisWorker implements WorkerIdentity {
  readonly name: string;
  readonly port: number;
  readonly link: ProcessLink;
  readonly #process: ChannelledProcess;
  #serving: ServingWorker | undefined;

  constructor({ name, port }: WorkerIdentity, process: ChannelledProcess) {
    this.name = name;
    this.port = port;
    this.#process = process;
    this.link = new ProcessLink((message) =>
      process.send(message, (error) => {
        if (error) void this.#cutOff();
      })
    );
    this.link.on("alive", () => {});
    this.link.on("close", () => this.#serving!.end());
    process.on("message", (message) => this.link.take(message));
    process.on("disconnect", () => void this.#cutOff());
    // Whether the process lives on is not for the channel to say.
    process.channel.unref();
    this.link.say("hello");
    this.#probe();
  }

  /** Says in each record which worker it is of: several write to one place. */
  named(sink: LogSink = stderrLog): LogSink {
    const { name: worker } = this;
    return (record) =>
      sink({ ...record, fields: { ...record.fields, worker } });
  }

  /** Makes what a server of this program has in common with those of other workers. */
  join(server: string): HeldParts {
    const timely = new TimelyLink(this.link, systemClock);
    const link: Pick<ProcessLink, "ask"> = {
      ask: (topic, body) => timely.ask(topic, body).catch(refuseAsThere),
    };
    const store = <Store extends object>(
      kind: HeldStore,
      own?: Partial<Store>,
    ) => remoteStore<Store>(link, server, kind, own);
    return {
      bus: new WorkerBus(this.link, server),
      sessions: store("sessions"),
      rateLimits: store("rateLimits"),
      tasks: store<TaskStore>("tasks", {
        leases: store<TaskLeases>("taskLeases", { version: 1 }),
      }),
    };
  }

  /** @throws {InvalidOptionError} if another server of this program serves so */
  serve(serving: ServingWorker): void {
    if (this.#serving !== undefined) throw onlyOne();
    this.#serving = serving;
    this.link.on("operators", async (body, whenLeft) => {
      const left = new AbortController();
      whenLeft(() => left.abort());
      const { name, format, request } = body as SentQuestion;
      const value = await serving.desk.answer(name, {
        format,
        request: request && new Request(request.url, request),
      });
      return (value instanceof Response
        ? { response: await packed(value, left.signal) }
        : { value }) satisfies PackedAnswer;
    });
    this.link.say("listening");
    void serving.finished.then(() => this.#leave());
  }

  /**
   * Finds out if the supervisor is there: one that is killed with unread messages
   * makes Deno (2.9) miss the end of the channel, but not of what is sent.
   */
  #probe(): void {
    if (this.link.closed) return;
    this.link.say("here");
    systemClock.setTimeout(() => this.#probe(), PROBE_MS, { keepAlive: false });
  }

  #leave(): void {
    this.link.close();
    if (this.#process.connected) this.#process.disconnect();
  }

  /** Without a supervisor it ends: nobody would start it again, or stop it. */
  async #cutOff(): Promise<void> {
    if (this.link.closed) return;
    this.link.close();
    if (this.#serving !== undefined) {
      const { finished, endsWithinMs } = this.#serving;
      this.#serving.end(0);
      await Promise.race([finished, sleep(endsWithinMs)]);
    }
    Deno.exit(1);
  }
}

/** What the supervisor's stores refuse is refused here: by an error of the same class. */
export function refuseAsThere(error: Error & { data?: RefusalData }): never {
  const { data, message } = error;
  if (data?.reason === undefined) throw error;
  throw new RefusedError(data.reason, data.retryAfterMs, message);
}

/** A response as it goes through the channel. */
export interface PackedResponse {
  readonly status: number;
  readonly headers: [string, string][];
  readonly base64: string;
}

/** An answer to operators as it goes through the channel: one of these. */
export interface PackedAnswer {
  readonly value?: unknown;
  readonly response?: PackedResponse;
}

/** @param left ends what fills the body: nobody waits for it any longer */
async function packed(
  { status, headers, body }: Response,
  left?: AbortSignal,
): Promise<PackedResponse> {
  const open = body?.pipeThrough(new TransformStream(), { signal: left });
  try {
    const base64 = (await new Response(open).bytes()).toBase64();
    return { status, headers: [...headers], base64 };
  } catch (error) {
    // What the shutdown breaks off, or who asked for it, is no fault.
    if (!(error instanceof ClosedError || left?.aborted)) throw error;
    return await packed(refuseOperator(503, "the server closes"));
  }
}

export type { ThisWorker };

/** The error of a second server that would have workers. */
export function onlyOne(): InvalidOptionError {
  return new InvalidOptionError(
    "workers: another server of this program has workers already",
  );
}

let self: ThisWorker | false | undefined;

/** This process as a worker; `undefined` if it is none. */
export function thisWorker(): ThisWorker | undefined {
  self ??= become();
  return self || undefined;
}

function become(): ThisWorker | false {
  const identity = readEnv(WORKER_VARIABLE);
  if (identity === undefined) return false;
  // What it starts itself is no worker.
  Deno.env.delete(WORKER_VARIABLE);
  const { process } = globalThis as unknown as { process: ChannelledProcess };
  // No channel: a worker's own code has started it before its server was made.
  if (process.connected === undefined) return false;
  // The supervisor is gone already. It must not become one in its place.
  if (!process.connected) Deno.exit(1);
  return new ThisWorker(JSON.parse(identity), process);
}
