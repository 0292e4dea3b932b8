/** A tool, the arguments of its next call, and how often it is called beside the others. */
type Call = [tool: string, args: () => unknown, weight: number];

/** Calls of a server's tools, many and few by turns, for as long as it is open. */
export class VariedLoad implements AsyncDisposable {
  readonly #url: string;
  readonly #calls: readonly Call[];
  readonly #stopping: AbortController = new AbortController();
  readonly #loops: Promise<void>[];

  /** @param url where the server's MCP endpoint is */
  constructor(url: string, calls: readonly Call[], clients = 8) {
    this.#url = url;
    this.#calls = calls;
    this.#loops = Array.from({ length: clients }, () => this.#client());
  }

  async #client(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const [tool, args] = this.#pick();
      await this.#call(tool, args());
      await pause(pauseMs());
    }
  }

  #pick(): Call {
    const all = this.#calls.reduce((sum, [, , weight]) => sum + weight, 0);
    let left = Math.random() * all;
    return this.#calls.find(([, , weight]) => (left -= weight) < 0)!;
  }

  async #call(name: string, args: unknown): Promise<void> {
    const response = await fetch(this.#url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": name,
      },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "tools/call",
        params: {
          name,
          arguments: args,
          _meta: {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
          },
        },
      }),
    });
    await response.body?.pipeTo(new WritableStream());
  }

  /** Ends once the calls under way have their answers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#loops);
  }
}

/** Between two calls: short and long, in waves of a minute and a half. */
function pauseMs(): number {
  const wave = 0.5 + 0.5 * Math.sin(Date.now() / 14_000);
  return (3 + 60 * wave ** 2) * (0.5 + Math.random());
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
