import type { Clock } from "../../base/clock.ts";
import { HttpError } from "./http_errors.ts";

const drainBytes = 64 * 1024;
const drainMs = 1_000;

/**
 * Reads a whole body, but no more than `maxBytes` of it.
 *
 * @throws {HttpError} when it is larger.
 */
export async function readBody(
  response: Response,
  url: string,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const announced = response.headers.get("content-length");
  if (Number(announced) > maxBytes) {
    await response.body?.cancel();
    throw tooLarge(url, maxBytes);
  }
  if (announced !== null && !response.headers.has("content-encoding")) {
    return await response.bytes();
  }
  const { bytes, complete } = await readUpTo(response, maxBytes);
  if (!complete) throw tooLarge(url, maxBytes);
  return bytes;
}

/** Reads the beginning of a body as text, and lets the rest go. */
export async function readExcerpt(
  response: Response,
  maxBytes: number,
): Promise<string> {
  const { bytes } = await readUpTo(response, maxBytes);
  return new TextDecoder().decode(bytes);
}

/**
 * Gets rid of a body that nobody wants: reads what little there is of it, so
 * that its connection can be used again, or else cancels it.
 */
export async function discardBody(
  { body }: Response,
  clock: Clock,
): Promise<void> {
  if (body === null) return;
  const reader = body.getReader();
  const timer = clock.setTimeout(() => reader.cancel(), drainMs);
  let total = 0;
  try {
    while (total <= drainBytes) {
      const { done, value } = await reader.read();
      if (done) return;
      total += value.length;
    }
    await reader.cancel();
  } catch {
    // a body that nobody wants may break
  } finally {
    clock.clearTimeout(timer);
  }
}

async function readUpTo(
  { body }: Response,
  maxBytes: number,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; complete: boolean }> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  let complete = true;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    total += chunk.length;
    complete = total <= maxBytes;
    if (!complete) break;
  }
  return { bytes: concat(chunks, Math.min(total, maxBytes)), complete };
}

function concat(
  chunks: Uint8Array[],
  length: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    const part = chunk.subarray(0, length - offset);
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function tooLarge(url: string, maxBytes: number): HttpError {
  return new HttpError(
    "SLUICE_HTTP_BODY_TOO_LARGE",
    url,
    `${url} answered with more than ${maxBytes} bytes`,
  );
}
