import type { Loose } from "../support/clients.ts";
import {
  type Answer,
  modernCall,
  modernPost,
  read,
} from "../transport/wire.ts";
import type { OtlpSink } from "./otlp_sink.ts";

/** A server over HTTP, exporting to a sink, that says its URL first. */
export class TracedProcess implements AsyncDisposable {
  readonly url: string;
  readonly #process: Deno.ChildProcess;
  readonly #reader: ReadableStreamDefaultReader<string>;

  private constructor(
    url: string,
    process: Deno.ChildProcess,
    reader: ReadableStreamDefaultReader<string>,
  ) {
    this.url = url;
    this.#process = process;
    this.#reader = reader;
  }

  static async start(
    sink: OtlpSink,
    { env, script = "traced_server.ts", permissions = "--allow-all" }: {
      env?: Record<string, string>;
      script?: string;
      permissions?: string;
    } = {},
  ): Promise<TracedProcess> {
    const path = new URL(`./fixtures/${script}`, import.meta.url).pathname;
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", permissions, "--no-prompt", path],
      env: { ...sink.env, ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = process.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    let output = "";
    while (!output.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error("the traced server did not start");
      output += value;
    }
    return new TracedProcess(output.trim(), process, reader);
  }

  /** Posts one modern request. */
  async ask(
    method: string,
    params: Loose = {},
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const init = modernPost(modernCall(method, params));
    return await read(
      await fetch(this.url, {
        ...init,
        headers: { ...init.headers as Record<string, string>, ...headers },
      }),
    );
  }

  /** Calls a tool. */
  tool(name: string, args: Loose = {}, _meta: Loose = {}): Promise<Answer> {
    return this.ask("tools/call", { name, arguments: args, _meta });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#reader.cancel();
    await this.#process.status;
  }
}
