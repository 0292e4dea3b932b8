/** Requests by hand over a TCP connection, where `fetch` would measure itself. */
import type { WireRequest } from "./wire.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Sends one POST to `/mcp` and reads until the answer contains `mark`. The connection stays open. */
export async function post(
  connection: Deno.TcpConn,
  { headers, body }: WireRequest,
  mark: string,
): Promise<void> {
  const { hostname, port } = connection.remoteAddr;
  const head = Object.entries({
    ...headers,
    "Host": `${hostname}:${port}`,
    "Content-Length": encoder.encode(body).length,
  }).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const writer = connection.writable.getWriter();
  await writer.write(
    encoder.encode(`POST /mcp HTTP/1.1\r\n${head}\r\n${body}`),
  );
  writer.releaseLock();

  const chunk = new Uint8Array(4_096);
  let answer = "";
  while (!answer.includes(mark)) {
    const size = await connection.read(chunk);
    if (size === null || answer.length > 65_536) {
      throw new Error(`${mark} is missing in the answer: ${answer}`);
    }
    answer += decoder.decode(chunk.subarray(0, size), { stream: true });
  }
  if (!answer.startsWith("HTTP/1.1 200 ")) throw new Error(answer);
}
