import { eventually } from "../support/eventually.ts";

const SCRIPT = "tests/hostile/fixtures/target.ts";
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
    openFiles?: number,
    ...args: string[]
  ): Promise<TargetProcess> {
    const limit = openFiles === undefined ? "" : `ulimit -n ${openFiles}; `;
    const child = new Deno.Command("bash", {
      args: [
        "-c",
        `${limit}exec "$0" run -A --no-check ${SCRIPT} "$@"`,
        Deno.execPath(),
        ...args,
      ],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
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

  /** Starts one that speaks over stdio. */
  static spawnStdio(): Deno.ChildProcess {
    return new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", SCRIPT, "stdio"],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
  }

  /** Bytes of memory that a process has now. */
  static rssOf(pid: number): number {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(status.match(/VmRSS:\s+(\d+)/)![1]) * 1_024;
  }

  /** Bytes of memory that it has now. */
  rssBytes(): number {
    return TargetProcess.rssOf(this.#child.pid);
  }

  /** Number of file descriptors that it has open. */
  openFiles(): number {
    return [...Deno.readDirSync(`/proc/${this.#child.pid}/fd`)].length;
  }

  async logs(text: RegExp): Promise<void> {
    await eventually(() => text.test(this.log), 30_000);
  }

  /** Ends it as an operator would. */
  async end(): Promise<Deno.CommandStatus> {
    this.#child.kill("SIGTERM");
    return await this.#child.status;
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
