import { eventually } from "./eventually.ts";
import { freePort } from "./free_port.ts";
import type { TestRedis } from "./redis.ts";

/** A sentinel that watches a primary, and has its copy take over when it dies. */
export class TestSentinel implements AsyncDisposable {
  readonly port: number;
  readonly #process: Deno.ChildProcess;
  readonly #directory: string;

  private constructor(
    port: number,
    directory: string,
    process: Deno.ChildProcess,
  ) {
    this.port = port;
    this.#directory = directory;
    this.#process = process;
  }

  /** Starts one that knows the primary as "main", and the copy as well. */
  static async start(
    primary: TestRedis,
    copy: TestRedis,
  ): Promise<TestSentinel> {
    const port = await freePort();
    const directory = await Deno.makeTempDir();
    const file = `${directory}/sentinel.conf`;
    await Deno.writeTextFile(
      file,
      [
        `port ${port}`,
        "bind 127.0.0.1",
        `sentinel monitor main 127.0.0.1 ${primary.port} 1`,
        "sentinel down-after-milliseconds main 300",
        "",
      ].join("\n"),
    );
    const process = new Deno.Command("redis-server", {
      args: [file, "--sentinel"],
      stdout: "null",
    }).spawn();
    const sentinel = new TestSentinel(port, directory, process);
    await eventually(() => sentinel.#knows(copy), 30_000);
    return sentinel;
  }

  async #knows({ port }: TestRedis): Promise<boolean> {
    const { stdout } = await new Deno.Command("redis-cli", {
      args: ["-p", String(this.port), "sentinel", "replicas", "main"],
    }).output();
    return new TextDecoder().decode(stdout).includes(String(port));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
    await Deno.remove(this.#directory, { recursive: true });
  }
}
