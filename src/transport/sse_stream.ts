import type { KeepAlive } from "./keep_alive.ts";

const encoder = new TextEncoder();
const BEAT = encoder.encode(":\n\n");

/** The headers of an event stream; proxies are told not to hold it back. */
export const SSE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/** One message as a server-sent event. */
export function frame(text: string, id?: string): string {
  return id === undefined
    ? `event: message\ndata: ${text}\n\n`
    : `event: message\nid: ${id}\ndata: ${text}\n\n`;
}

/**
 * An open event stream. Writing to one whose client has gone does nothing; its
 * going is told once.
 */
export class SseStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #onGone: (reason: unknown) => void;
  readonly #keepAlive: KeepAlive;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #open = true;

  /** @param onGone is called if the client goes before {@linkcode close} */
  constructor(keepAlive: KeepAlive, onGone: (reason: unknown) => void) {
    this.#onGone = onGone;
    this.#keepAlive = keepAlive;
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: (reason) => this.#gone(reason),
    });
    keepAlive.add(this);
  }

  get open(): boolean {
    return this.#open;
  }

  /** Writes frames as they are. */
  write(frames: string): void {
    this.#enqueue(encoder.encode(frames));
  }

  /** Writes a comment, so that nobody on the way takes the stream for dead. */
  beat(): void {
    this.#enqueue(BEAT);
  }

  #enqueue(bytes: Uint8Array): void {
    if (!this.#open) return;
    try {
      // After a disconnect this may cancel the stream on the spot.
      this.#controller.enqueue(bytes);
    } catch (error) {
      this.#gone(error);
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#keepAlive.delete(this);
    try {
      this.#controller.close();
    } catch {
      // The client has gone in the meantime.
    }
  }

  #gone(reason: unknown): void {
    if (!this.#open) return;
    this.#open = false;
    this.#keepAlive.delete(this);
    this.#onGone(
      reason ?? new DOMException("client disconnected", "AbortError"),
    );
  }
}
