import { type ChildProcess, spawn } from "node:child_process";
import { systemClock, type TimerHandle } from "../../base/clock.ts";
import { ProcessLink } from "../../cluster/process_link.ts";
import type { ProgramCommand } from "./program_command.ts";
import { WORKER_VARIABLE, type WorkerIdentity } from "./this_worker.ts";

/** What a worker is started with. */
export interface SupervisedWorkerOptions extends WorkerIdentity {
  readonly command: ProgramCommand;
  /** Beside those of this process. */
  readonly env: Readonly<Record<string, string>>;
  readonly maxSilenceMs: number;
}

/** The time between two heartbeats, in milliseconds. */
const BEAT_MS = 250;

/** A worker that has answered none for so long is blocked, in milliseconds. */
const BLOCKED_MS = 500;

/** The time in which a worker must load Sluice, in milliseconds. */
const LOADING_MS = 60_000;

/** A worker's process, seen from the supervisor. */
export class SupervisedWorker {
  readonly name: string;
  readonly link: ProcessLink;
  /** Resolves once it takes connections; rejects if it ends before. */
  readonly listening: Promise<void>;
  /** Resolves with how it ended. */
  readonly gone: Promise<string>;
  readonly #child: ChildProcess;
  readonly #maxSilenceMs: number;
  #listens = false;
  #timer: TimerHandle;
  /** Heartbeats since it answered last: what stops both counts for nothing. */
  #missedBeats = 0;
  readonly #whenStuck: Set<(nothing: undefined) => void> = new Set();
  #verdict: string | undefined;

  constructor(
    { name, port, command, env, maxSilenceMs }: SupervisedWorkerOptions,
  ) {
    this.name = name;
    this.#maxSilenceMs = maxSilenceMs;
    const identity: WorkerIdentity = { name, port };
    const child = this.#child = spawn(command.path, [...command.args], {
      env: {
        ...Deno.env.toObject(),
        ...env,
        [WORKER_VARIABLE]: JSON.stringify(identity),
      },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    // It may be gone before it has taken a message.
    this.link = new ProcessLink((message) => child.send(message, () => {}));
    child.on("message", (message) => this.link.take(message as object));
    const listening = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<string>();
    this.listening = listening.promise;
    this.gone = gone.promise;
    const end = (how: string) => {
      systemClock.clearTimeout(this.#timer);
      this.link.close();
      gone.resolve(this.#verdict ?? how);
      listening.reject(new Error(this.#verdict ?? how));
    };
    child.on("error", (error) => end(error.message));
    child.on("exit", (code, signal) =>
      end(
        signal === null
          ? `it ended with exit code ${code}`
          : `it was ended by ${signal}`,
      ));
    // Whether anybody waits for it or not.
    this.listening.catch(() => {});
    this.#timer = systemClock.setTimeout(
      () => this.kill(`it did not load within ${LOADING_MS / 1_000} s`),
      LOADING_MS,
    );
    this.link.on("hello", () => {
      systemClock.clearTimeout(this.#timer);
      this.#beat();
    });
    this.link.on("listening", () => {
      this.#listens = true;
      listening.resolve();
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** For how long its event loop has been blocked, in milliseconds; 0 while it turns. */
  get blockedMs(): number {
    const ms = this.#missedBeats * BEAT_MS;
    return ms < BLOCKED_MS ? 0 : ms;
  }

  /** Asks it something; `undefined` if it can't answer, because it is blocked or gone. */
  async askIfTurning(
    topic: string,
    body: unknown,
    signal?: AbortSignal,
  ): Promise<unknown> {
    if (this.blockedMs > 0) return undefined;
    const stuck = Promise.withResolvers<undefined>();
    this.#whenStuck.add(stuck.resolve);
    try {
      return await Promise.race([
        this.link.ask(topic, body, signal),
        stuck.promise,
      ]);
    } catch (error) {
      if (this.link.closed) return undefined;
      throw error;
    } finally {
      this.#whenStuck.delete(stuck.resolve);
    }
  }

  /**
   * Ends it in good order, or hard after a time; resolves with how it ended, if not
   * in good order.
   */
  async close(withinMs: number): Promise<string | undefined> {
    if (this.#listens) this.link.say("close");
    else this.#child.kill("SIGTERM");
    const timer = systemClock.setTimeout(
      () => this.kill("it did not end in time"),
      withinMs,
    );
    const how = await this.gone;
    systemClock.clearTimeout(timer);
    const { exitCode, signalCode } = this.#child;
    return exitCode === 0 || signalCode === "SIGTERM" ? undefined : how;
  }

  /** Ends it at once. */
  kill(why: string): void {
    this.#verdict ??= why;
    this.#child.kill("SIGKILL");
  }

  #beat(): void {
    if (this.#missedBeats === 0) {
      this.link.ask("alive").then(() => this.#missedBeats = 0, () => {});
    }
    this.#missedBeats++;
    const silentMs = this.#missedBeats * BEAT_MS;
    if (this.blockedMs > 0) {
      for (const tell of this.#whenStuck) tell(undefined);
    }
    if (silentMs > this.#maxSilenceMs) {
      this.kill(`it did not answer for ${silentMs / 1_000} s`);
    } else {
      this.#timer = systemClock.setTimeout(() => this.#beat(), BEAT_MS);
    }
  }
}
