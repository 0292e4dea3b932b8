import { eventually } from "../support/eventually.ts";

const ROOT = new URL("../..", import.meta.url);

/** `fixtures/target.ts` in a process of its own, to be attacked. */
export class TargetProcess implements AsyncDisposable {
  readonly port: number;
  /** What it has written to stderr so far. */
  log = "";
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;

  private constructor(child: Deno.ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    this.#reading = this.#read();
  }

  /** @param openFiles how many file descriptors it may have */
  static async start(
    env: Record<string, string> = {},
    openFiles?: number,
  ): Promise<TargetProcess> {
    const limit = openFiles === undefined ? "" : `ulimit -n ${openFiles}; `;
    const child = new Deno.Command("bash", {
      args: [
        "-c",
        `${limit}exec "$0" run -A --no-check tests/hostile/fixtures/target.ts`,
        Deno.execPath(),
      ],
      cwd: ROOT,
      env: { NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    const { value = "" } = await reader.read();
    await reader.cancel();
    return new TargetProcess(child, Number(value.trim()));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/mcp`;
  }

  /** Bytes of memory that it has now. */
  async rssBytes(): Promise<number> {
    const status = await Deno.readTextFile(`/proc/${this.#child.pid}/status`);
    return Number(status.match(/VmRSS:\s+(\d+)/)![1]) * 1_024;
  }

  /** Number of file descriptors that it has open. */
  openFiles(): number {
    return [...Deno.readDirSync(`/proc/${this.#child.pid}/fd`)].length;
  }

  async logs(text: RegExp): Promise<void> {
    await eventually(() => text.test(this.log), 30_000);
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stderr) {
      this.log += decoder.decode(chunk, { stream: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#child.status;
    await this.#reading;
  }
}
