/** After so many frames in a row that it didn't take, a viewer is let go. */
const MAX_MISSED = 30;

/**
 * One open page. It holds at most one frame that its reader hasn't asked for: of
 * those that come in the meantime, the latest takes the place of the others.
 */
export class DashboardViewer {
  /** The stream that the page reads. */
  readonly body: ReadableStream<Uint8Array>;
  readonly #onGone: (viewer: DashboardViewer) => void;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #waiting: Uint8Array | undefined;
  #missed = 0;

  /**
   * @param first what it gets before anything else
   * @param onGone is called if the reader goes, or stops reading
   */
  constructor(first: Uint8Array, onGone: (viewer: DashboardViewer) => void) {
    this.#onGone = onGone;
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
        controller.enqueue(first);
      },
      pull: () => this.#pass(),
      cancel: () => onGone(this),
    });
  }

  /** Gives it a frame, now or once it has taken the one before. */
  offer(frame: Uint8Array): void {
    this.#waiting = frame;
    if ((this.#controller.desiredSize ?? 0) > 0) this.#pass();
    else if (++this.#missed > MAX_MISSED) this.#letGo();
  }

  #pass(): void {
    this.#missed = 0;
    if (this.#waiting === undefined) return;
    this.#controller.enqueue(this.#waiting);
    this.#waiting = undefined;
  }

  #letGo(): void {
    this.close();
    this.#onGone(this);
  }

  /** Ends the stream; what its reader hasn't asked for is dropped. */
  close(): void {
    this.#waiting = undefined;
    this.#controller.close();
  }
}
