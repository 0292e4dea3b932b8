import { eventually } from "../support/eventually.ts";
import { httpText, RawSocket } from "../transport/raw_socket.ts";
import { modernCall, modernHeaders } from "../transport/wire.ts";

/** `fixtures/ending_server.ts` in a process of its own. */
export class EndingProcess implements AsyncDisposable {
  /** What it has written to stderr so far. */
  log = "";
  readonly child: Deno.ChildProcess;
  readonly #reading: Promise<void>;

  private constructor(child: Deno.ChildProcess) {
    this.child = child;
    this.#reading = this.#read();
  }

  /** Starts it with options of `serve`, and waits until it serves. */
  static async start(
    options: Record<string, unknown> = {},
  ): Promise<EndingProcess> {
    const piped = options.stdio ? "piped" as const : "null" as const;
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check", "--config", "deno.json"],
        "tests/fault/fixtures/ending_server.ts",
        JSON.stringify(options),
      ],
      cwd: new URL("../..", import.meta.url),
      stdin: piped,
      stdout: piped,
      stderr: "piped",
    }).spawn();
    const started = new EndingProcess(child);
    if (!options.stdio && options.lifespan !== "opens slowly") {
      await started.says("listens");
    }
    return started;
  }

  get port(): number {
    return Number(this.log.match(/127\.0\.0\.1:(\d+)/)![1]);
  }

  async #read(): Promise<void> {
    const text = this.child.stderr.pipeThrough(new TextDecoderStream());
    for await (const chunk of text) this.log += chunk;
  }

  /** Waits until the log has a text. */
  says(text: string): Promise<void> {
    return eventually(() => this.log.includes(text), 30_000);
  }

  signal(signal: Deno.Signal): void {
    this.child.kill(signal);
  }

  /** A connection on which a tool's call is under way. */
  async calling(tool: string): Promise<RawSocket> {
    const socket = await RawSocket.open(this.port);
    await socket.write(callText(tool));
    return socket;
  }

  /** Waits for its end, and says how it came. */
  async ended(): Promise<Deno.CommandStatus> {
    const status = await this.child.status;
    await this.#reading;
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.ended();
  }
}

/** A request as text: a tool's call, or another method. */
export function callText(
  name: string,
  method = "tools/call",
  params: Record<string, unknown> = { name },
): string {
  const message = modernCall(method, params);
  return httpText({
    headers: modernHeaders(message) as Record<string, string>,
    body: JSON.stringify(message),
  });
}
