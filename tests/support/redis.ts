import { eventually } from "./eventually.ts";
import { freePort } from "./free_port.ts";
import { isInstalled } from "./installed.ts";

/**
 * A Redis of the test's own: it starts one on a free port in a temporary
 * directory, breaks it as it likes and leaves nothing behind.
 */
export class TestRedis implements AsyncDisposable {
  readonly port: number;
  readonly #directory: string;
  readonly #args: readonly string[];
  #process: Deno.ChildProcess | undefined;
  #paused = false;

  private constructor(
    port: number,
    directory: string,
    args: readonly string[],
  ) {
    this.port = port;
    this.#args = args;
    this.#directory = directory;
  }

  /** @param args settings beside those that every test has */
  static async start(...args: string[]): Promise<TestRedis> {
    const directory = await Deno.makeTempDir();
    for (let attempts = 0; attempts < 5; attempts++) {
      const redis = new TestRedis(await freePort(), directory, args);
      if (await redis.#run()) return redis;
    }
    throw new Error("redis-server didn't start");
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it again, empty, on the same port. */
  async restart(): Promise<void> {
    for (let attempts = 0; attempts < 5; attempts++) {
      if (await this.#run()) return;
    }
    throw new Error("redis-server didn't start again");
  }

  /** It dies without a word. */
  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined) return;
    process.kill("SIGKILL");
    await process.status;
  }

  /** It keeps its connections but answers nothing. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
    this.#paused = true;
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
    this.#paused = false;
  }

  /** Copies another one from now on; resolves once it has what that one has. */
  async follow(primary: TestRedis): Promise<void> {
    await this.command("REPLICAOF", "127.0.0.1", String(primary.port));
    await eventually(async () =>
      (await this.command("INFO", "replication"))
        .includes("master_link_status:up")
    );
  }

  /** Takes over from the one it has copied. */
  async promote(): Promise<void> {
    await this.command("REPLICAOF", "NO", "ONE");
  }

  /** One command over a connection of its own; gives the reply as it came. */
  async command(...args: string[]): Promise<string> {
    const output = await new Deno.Command("redis-cli", {
      args: ["-p", String(this.port), ...args],
    }).output();
    return new TextDecoder().decode(output.stdout).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#paused) this.resume();
    await this.kill();
    await Deno.remove(this.#directory, { recursive: true });
  }

  /** Says whether it came up: another program may have taken the port. */
  async #run(): Promise<boolean> {
    const process = this.#process = new Deno.Command("redis-server", {
      args: [
        ...["--port", String(this.port), "--bind", "127.0.0.1"],
        ...["--dir", this.#directory, "--save", "", "--appendonly", "no"],
        ...this.#args,
        // A copy begins at once.
        ...["--repl-diskless-sync-delay", "0"],
      ],
      stdout: "null",
      stderr: "null",
    }).spawn();
    let ended = false;
    process.status.then(() => ended = true);
    while (!ended) {
      const server = await this.command("INFO", "server");
      if (server.includes(`process_id:${process.pid}\r`)) return true;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return false;
  }
}

/** Skips a test that needs Redis where there is none, though never in CI. */
export const ignoreWithoutRedis: boolean = Deno.env.get("CI") !== "true" &&
  !await isInstalled("redis-server");
