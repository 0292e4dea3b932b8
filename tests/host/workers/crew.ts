import { linesOf } from "../../support/lines.ts";
import { modernCall, modernPost, read } from "../../transport/wire.ts";
import { eventually } from "../../support/eventually.ts";
import type { JsonObject, ServeOptions } from "../../../mod.ts";

/** A server with workers in a process of its own. */
export class Crew implements AsyncDisposable {
  /** What it and its workers have logged. */
  readonly log: { level: string; message: string; worker?: string }[] = [];
  url = "";
  operators = "";
  readonly #child: Deno.ChildProcess;
  readonly #failAt: string;
  readonly #ended: Promise<unknown>;
  #silent: Promise<unknown> | undefined;
  /** Every call has a connection of its own, which any worker may get. */
  readonly #client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });

  private constructor(child: Deno.ChildProcess, failAt: string) {
    this.#child = child;
    this.#failAt = failAt;
    this.#ended = this.#readLog();
  }

  /** Starts one; without `url` it has ended instead. */
  static async start(
    options: ServeOptions,
    { flags = ["-A"], failing = false, openFiles = "hard" } = {},
  ): Promise<Crew> {
    const failAt = await Deno.makeTempFile();
    if (!failing) await Deno.remove(failAt);
    const script = new URL("./fixtures/crew_server.ts", import.meta.url);
    const crew = new Crew(
      new Deno.Command("bash", {
        args: [
          ...["-c", `ulimit -n ${openFiles}; exec "$0" "$@"`],
          ...[
            Deno.execPath(),
            "run",
            "--no-check",
            "--no-prompt",
            ...flags,
            script.pathname,
          ],
          JSON.stringify({ ...options, failAt }),
        ],
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
      failAt,
    );
    const lines = linesOf(crew.#child.stdout);
    const { value } = await lines.next();
    crew.#silent = (async () => {
      for await (const _ of lines);
    })();
    if (value !== undefined) Object.assign(crew, JSON.parse(value));
    return crew;
  }

  async #readLog(): Promise<void> {
    for await (const line of linesOf(this.#child.stderr)) {
      try {
        this.log.push(JSON.parse(line));
      } catch {
        this.log.push({ level: "error", message: line });
      }
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** The way it ended, with the log read to its end: that of all its workers. */
  async ended(): Promise<Deno.CommandStatus> {
    const status = await this.#child.status;
    await Promise.all([this.#ended, this.#silent]);
    return status;
  }

  /** Lets workers that are started from now on fail, or not. */
  async fail(yes: boolean): Promise<void> {
    if (yes) await Deno.writeTextFile(this.#failAt, "");
    else await Deno.remove(this.#failAt);
  }

  logged(text: string): boolean {
    return this.log.some(({ message }) => message.includes(text));
  }

  /** Posts a message over a connection of its own. */
  post(message: JsonObject): Promise<Response> {
    return fetch(this.url, {
      ...modernPost(message),
      client: this.#client,
    } as RequestInit);
  }

  /** Posts a legacy client's message, of its session once it has one. */
  legacy(message: JsonObject, session?: string): Promise<Response> {
    return fetch(this.url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...(session !== undefined && { "mcp-session-id": session }),
      },
      body: JSON.stringify(message),
      client: this.#client,
    } as RequestInit);
  }

  /** The answer to a tool's call. */
  async answer(name: string, args: JsonObject = {}, more: JsonObject = {}) {
    return await read(
      await this.post(
        modernCall("tools/call", { name, arguments: args, ...more }),
      ),
    );
  }

  /** The result of a tool. */
  async call(name: string, args?: JsonObject, more?: JsonObject) {
    return (await this.answer(name, args, more)).body.result;
  }

  /** The text of a tool's result. */
  async text(name: string, args?: JsonObject): Promise<string> {
    return (await this.call(name, args)).content[0].text;
  }

  /** What operators are told at a path. */
  async operator(path: string): Promise<{ status: number; text: string }> {
    const answer = await fetch(this.operators + path);
    return { status: answer.status, text: await answer.text() };
  }

  /** Waits until as many calls are under way. */
  async busyWith(calls: number): Promise<void> {
    await eventually(async () => {
      const { text } = await this.operator("/metrics?format=json");
      return JSON.parse(text).requests_in_progress === calls;
    });
  }

  /** The processes of the workers that serve, by name. */
  async workers(): Promise<Record<string, number>> {
    const { checks } = JSON.parse(
      (await this.operator("/health/detailed")).text,
    );
    const pids: Record<string, number> = {};
    for (
      const [name, { message }] of Object.entries<{ message: string }>(checks)
    ) {
      const [, pid] = /^process (\d+)$/.exec(message) ?? [];
      if (pid !== undefined) pids[name.replace("worker_", "")] = Number(pid);
    }
    return pids;
  }

  /** Waits until as many workers serve, and none of those given is there any more. */
  async renewed(count: number, former: Iterable<number> = []) {
    const gone = new Set(former);
    await eventually(async () => {
      const pids = Object.values(await this.workers());
      return pids.length === count && ![...gone].some(isAlive);
    }, 60_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended.
    }
    await this.ended();
    this.#client.close();
    await Deno.remove(this.#failAt).catch(() => {});
  }
}

/** Tells if a process is there. */
export function isAlive(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return !/\) Z/.test(stat);
  } catch {
    return false;
  }
}
