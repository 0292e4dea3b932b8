import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";

const ROOT = new URL("../..", import.meta.url);

/** `main.ts` as a user starts it, in a process of its own. */
export class MainProcess implements AsyncDisposable {
  readonly origin: string;
  /** What it has written to stderr so far. */
  log = "";
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;

  private constructor(child: Deno.ChildProcess, origin: string) {
    this.#child = child;
    this.origin = origin;
    this.ended = child.status;
    this.#reading = this.#read();
  }

  /** Starts it; it may not listen yet, or ever. */
  static async spawn(
    env: Record<string, string> = {},
    ...args: string[]
  ): Promise<MainProcess> {
    const port = String(await freePort());
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "main.ts", "--port", port, ...args],
      cwd: ROOT,
      env: {
        PATH: Deno.env.get("PATH") ?? "",
        HOME: Deno.env.get("HOME") ?? "",
        DENO_DIR: Deno.env.get("DENO_DIR") ?? "",
        ...env,
      },
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    return new MainProcess(child, `http://127.0.0.1:${port}`);
  }

  /** Starts it, and waits until it takes requests. */
  static async start(
    env?: Record<string, string>,
    ...args: string[]
  ): Promise<MainProcess> {
    const main = await MainProcess.spawn(env, ...args);
    await eventually(() => main.#isReady(), 30_000);
    return main;
  }

  async #isReady(): Promise<boolean> {
    const response = await fetch(`${this.origin}/health/ready`).catch(() => {});
    await response?.body?.cancel();
    return response?.ok ?? false;
  }

  async #read(): Promise<void> {
    for await (
      const text of this.#child.stderr.pipeThrough(new TextDecoderStream())
    ) this.log += text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    await this.ended;
    await this.#reading;
  }
}
