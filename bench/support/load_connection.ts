/** One client's kept-alive connection, by hand: `fetch` would cost more than the server. */
import type { WireRequest } from "./wire.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const bytesOf = new Map<WireRequest, Uint8Array>();

/** What came of a request. */
export type Outcome = "answered" | "refused" | "left" | "failed";

/** A connection that takes one request after the other. */
export class LoadConnection {
  readonly #port: number;
  #socket: Deno.TcpConn | undefined;
  #left = false;

  constructor(port: number) {
    this.#port = port;
  }

  /** True if it takes another request. */
  get open(): boolean {
    return this.#socket !== undefined;
  }

  /** Sends a request, and leaves if no whole answer has come in time. */
  async post(request: WireRequest, patienceMs: number): Promise<Outcome> {
    this.#left = false;
    const timer = setTimeout(() => {
      this.#left = true;
      this.close();
    }, patienceMs);
    try {
      this.#socket ??= await Deno.connect({
        hostname: "127.0.0.1",
        port: this.#port,
      });
      if (this.#left) return this.#fail();
      await writeAll(this.#socket, wireBytes(request));
      const answer = await readAnswer(this.#socket);
      if (/^connection: close/im.test(answer)) this.close();
      return outcomeOf(answer);
    } catch {
      return this.#fail();
    } finally {
      clearTimeout(timer);
    }
  }

  #fail(): Outcome {
    this.close();
    return this.#left ? "left" : "failed";
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    try {
      socket?.close();
    } catch {
      // It is closed.
    }
  }
}

function outcomeOf(answer: string): Outcome {
  if (/^HTTP\/1.1 (?:503|429) /.test(answer)) return "refused";
  if (answer.includes('"retryAfterMs"')) return "refused";
  const good = answer.startsWith("HTTP/1.1 200 ") &&
    answer.includes('"result":') && !answer.includes('"isError":true');
  return good ? "answered" : "failed";
}

function wireBytes(request: WireRequest): Uint8Array {
  let bytes = bytesOf.get(request);
  if (bytes === undefined) {
    const head = Object.entries({
      ...request.headers,
      "host": "127.0.0.1",
      "content-length": encoder.encode(request.body).length,
    }).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    bytes = encoder.encode(`POST /mcp HTTP/1.1\r\n${head}\r\n${request.body}`);
    bytesOf.set(request, bytes);
  }
  return bytes;
}

async function writeAll(socket: Deno.TcpConn, bytes: Uint8Array) {
  for (let sent = 0; sent < bytes.length;) {
    sent += await socket.write(bytes.subarray(sent));
  }
}

async function readAnswer(socket: Deno.TcpConn): Promise<string> {
  let answer = "";
  while (!isWhole(answer)) {
    const chunk = new Uint8Array(4_096);
    const size = await socket.read(chunk);
    if (size === null) throw new Error("the connection ended");
    answer += decoder.decode(chunk.subarray(0, size));
  }
  return answer;
}

function isWhole(answer: string): boolean {
  const end = answer.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /^content-length: (\d+)/im.exec(answer)?.[1];
  if (length !== undefined) return answer.length >= end + 4 + Number(length);
  return answer.endsWith("\r\n0\r\n\r\n");
}
