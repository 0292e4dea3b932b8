/** The server under test, in a process of its own. */
export class Fixture implements AsyncDisposable {
  readonly url: string;
  readonly #process: Deno.ChildProcess;
  readonly #log: Promise<string>;
  #stopped: Promise<string> | undefined;

  private constructor(
    url: string,
    process: Deno.ChildProcess,
    log: Promise<string>,
  ) {
    this.url = url;
    this.#process = process;
    this.#log = log;
  }

  /** Starts a server on a free port; resolves once it listens. */
  static async start(): Promise<Fixture> {
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--allow-all",
        "--no-prompt",
        new URL("./server.ts", import.meta.url).href,
      ],
      env: { PORT: "0", NO_COLOR: "1" },
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const log = follow(process.stderr, (written) => {
      const url = written.match(/listens","url":"([^"]+)"/)?.[1];
      if (url !== undefined) resolve(url);
    });
    log.then((all) => reject(new Error(`the server did not start: ${all}`)));
    return new Fixture(await promise, process, log);
  }

  /** Ends the server and tells what it wrote to its log. */
  stop(): Promise<string> {
    return this.#stopped ??= this.#stop();
  }

  async #stop(): Promise<string> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
    return await this.#log;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

async function follow(
  stream: ReadableStream<Uint8Array>,
  heard: (written: string) => void,
): Promise<string> {
  let written = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    written += chunk;
    heard(written);
  }
  return written;
}
