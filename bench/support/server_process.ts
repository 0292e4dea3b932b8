/** One server under test: its own process, pinned to a core, with its CPU time and memory read from `/proc`. */
import { pinnedCommand, serverCore } from "./pinning.ts";

/** What a {@linkcode ServerProcess} runs. */
export interface ServerProcessOptions {
  /** Script, relative to `bench/` or with its whole path: one of the shell (`.sh`), which becomes the server, or one of Deno's. */
  script: string;
  /**
   * Core that it runs on.
   * @default serverCore
   */
  core?: number;
  /** Environment beside `PORT`. */
  env?: Record<string, string>;
  /** Arguments of the script, which may want the port there. */
  args?: (port: number) => string[];
}

const clockTicksPerSecond = 100;
const startTimeoutMs = 30_000;
const maxComplaint = 2_000;

/** A server that listens on a free port of the loopback; disposing ends it. */
export class ServerProcess implements AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  readonly #child: Deno.ChildProcess;
  #ended = false;
  #complaint = "";

  private constructor(child: Deno.ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    this.pid = child.pid;
    child.status.then(() => this.#ended = true);
    this.#keepComplaint();
  }

  /**
   * Starts a server and waits until it accepts connections.
   *
   * @throws {Error} when it ends, or takes longer than 30 s.
   */
  static async start(options: ServerProcessOptions): Promise<ServerProcess> {
    const server = ServerProcess.spawn(options);
    try {
      (await server.connect()).close();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts a server without waiting for it. */
  static spawn(
    { script, core = serverCore, env, args }: ServerProcessOptions,
  ): ServerProcess {
    const port = freePort();
    const child = new Deno.Command("taskset", {
      args: [...pinnedCommand(script, core), ...args?.(port) ?? []],
      env: { NO_COLOR: "1", ...env, PORT: String(port) },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    return new ServerProcess(child, port);
  }

  /** The first connection that the server accepts. */
  async connect(): Promise<Deno.TcpConn> {
    const deadline = performance.now() + startTimeoutMs;
    while (performance.now() < deadline) {
      if (this.#ended) {
        throw new Error(`the server ended: ${this.#complaint.trim()}`);
      }
      try {
        return await Deno.connect({ hostname: "127.0.0.1", port: this.port });
      } catch (error) {
        if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    throw new Error(`the server did not listen within ${startTimeoutMs} ms`);
  }

  /** User and system CPU time of all its threads so far, in milliseconds. */
  cpuMs(): number {
    return processCpuMs(this.pid);
  }

  /** CPU time of the threads alive now, in milliseconds: far finer than {@linkcode cpuMs}. */
  threadCpuMs(): number {
    const tasks = `/proc/${this.pid}/task`;
    return [...Deno.readDirSync(tasks)].reduce((sum, { name }) => {
      const [runNs] = Deno.readTextFileSync(`${tasks}/${name}/schedstat`)
        .split(" ");
      return sum + Number(runNs) / 1e6;
    }, 0);
  }

  /** Resident memory, in bytes. */
  rssBytes(): number {
    const status = Deno.readTextFileSync(`/proc/${this.pid}/status`);
    return Number(status.match(/VmRSS:\s+(\d+) kB/)![1]) * 1024;
  }

  /** Drains the server's stderr and keeps its beginning, for the case that it fails to start. */
  async #keepComplaint(): Promise<void> {
    for await (
      const text of this.#child.stderr.pipeThrough(new TextDecoderStream())
    ) {
      if (this.#complaint.length < maxComplaint) this.#complaint += text;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}

/** User and system CPU time of a process so far, in milliseconds. */
export function processCpuMs(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return ticks * 1_000 / clockTicksPerSecond;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
