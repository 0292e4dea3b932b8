import { abortable } from "../base/abort.ts";
import { option } from "../base/option_rules.ts";
import { isObject, type JsonObject } from "../protocol/jsonrpc.ts";

/** Settings for asking a provider. */
export interface FetchJsonOptions {
  readonly fetch: typeof fetch;
  /** Milliseconds in which the whole answer must be there. */
  readonly timeoutMs: number;
  readonly init?: RequestInit;
}

/** How the options are read of all who ask a provider. */
export const ASKING_OPTIONS = {
  timeoutMs: option.integer(5_000, 1),
  fetch: option.any<typeof fetch>((...asked) => fetch(...asked)),
  now: option.any(Date.now),
};

/** The most that a provider may answer with, in bytes. */
const MAX_BYTES = 256 * 1024;

/**
 * The JSON object that a provider answers with. It must come from where it was
 * asked for, in time, and be of a bearable size.
 *
 * @throws {Error} naming the URL and what is wrong, and nothing of what was sent
 */
export async function fetchJson(
  url: URL,
  { fetch, timeoutMs, init }: FetchJsonOptions,
): Promise<JsonObject> {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new Error(`no answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  const { signal } = controller;
  try {
    return await abortable(ask(fetch, url, { ...init, signal }), signal);
  } catch (error) {
    throw new Error(`${url.origin}${url.pathname}: ${reasonOf(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

async function ask(
  fetch: FetchJsonOptions["fetch"],
  url: URL,
  init: RequestInit,
): Promise<JsonObject> {
  const response = await fetch(url, {
    ...init,
    redirect: "manual",
    headers: { accept: "application/json", ...init.headers },
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`status ${response.status}`);
  }
  const value = JSON.parse(await boundedText(response));
  if (!isObject(value)) throw new Error("the answer is no JSON object");
  return value;
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > MAX_BYTES) {
      throw new Error(`the answer has more than ${MAX_BYTES} bytes`);
    }
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}

/** A parser quotes what it was given, which may be a secret. */
function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return "the answer is no JSON";
  return error instanceof Error ? error.message : "it failed";
}
