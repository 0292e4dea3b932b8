import { abortable } from "../base/abort.ts";
import { thrownText } from "../base/thrown.ts";

/** One argument of a Redis command. */
export type RedisArgument = string | Uint8Array;

/** Takes what is published on a channel. */
export type RedisListener = (channel: string, message: string) => void;

/**
 * All that Sluice asks of one connection to Redis; any client can be put behind
 * it.
 */
export interface RedisPort {
  /** Sends one command, at once and in order; strings come back as strings. */
  command(args: readonly RedisArgument[]): Promise<unknown>;
  /** The same, but strings come back as bytes. */
  commandBytes(args: readonly RedisArgument[]): Promise<unknown>;
  /** Turns the connection into a subscriber. */
  subscribe(
    channels: readonly string[],
    listener: RedisListener,
  ): Promise<void>;
  /** Has the callback called whenever the connection is lost. */
  onLost(callback: () => void): void;
  /** Ends the connection at once; never throws. */
  close(): void;
}

/**
 * Opens a connection that ends, rather than reconnects, when it is lost. The
 * signal ends the attempt.
 */
export type RedisOpener = (signal: AbortSignal) => Promise<RedisPort>;

/**
 * Waits until a new connection stands. One that doesn't is closed, and again if
 * it comes up after all: a client may miss the first time while it connects.
 */
export async function opened(
  port: RedisPort,
  opening: Promise<unknown>,
  signal: AbortSignal,
): Promise<RedisPort> {
  try {
    await abortable(opening, signal);
    return port;
  } catch (error) {
    port.close();
    opening.then(() => port.close(), () => {});
    throw error;
  }
}

/** Ends a connection that may have ended already, which its client calls an error. */
export function closeQuietly(close: () => void): void {
  try {
    close();
  } catch {
    // It was closed already.
  }
}

/** Says why Redis failed: an error of several addresses has a code, no message. */
export function redisFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, code, name } = error as Error & { code?: string };
  const text = message || code || thrownText(error);
  return text === name ? `its client gave no reason but ${name}` : text;
}

/** Beginning of an error that Redis itself answers with. */
const REFUSAL = /^-?[A-Z]{2,}(?= |$)/;

/** Kind of an error that Redis itself answered with; `undefined` for any other. */
export function refusalOf(error: unknown): string | undefined {
  // A code of the system's would look like one.
  const text = error instanceof Error ? error.message : String(error);
  return REFUSAL.exec(text)?.[0];
}

/** Refusals of a Redis that can't be used now, though it answers. */
const UNUSABLE: ReadonlySet<string | undefined> = new Set([
  "LOADING",
  "MASTERDOWN",
  "READONLY",
  "CLUSTERDOWN",
  "OOM",
  "MISCONF",
  "NOREPLICAS",
  "BUSY",
]);

/** Tells if an error says that Redis can't be used now: none came, or such a refusal. */
export function isUnusable(error: unknown): boolean {
  const refusal = refusalOf(error);
  return refusal === undefined || UNUSABLE.has(refusal);
}
