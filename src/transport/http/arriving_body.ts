import type { SharedRoom } from "../../base/shared_room.ts";
import { TimedEntry } from "../../base/timed_queue.ts";

/** Bytes of a body that are taken from anybody; past these it counts. */
export const UNCOUNTED_BYTES = 64 * 1024;

/** A body on its way. */
export class ArrivingBody extends TimedEntry {
  /** True if it has taken too long, and has been answered. */
  isLate = false;
  /** Its bytes, once all have come. */
  size = 0;
  /** Reads it, once that has begun: what is not read any more must not pile up. */
  reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #room: SharedRoom;
  readonly #from: BodySource;
  #account: string | undefined;
  #counted = 0;

  constructor(room: SharedRoom, from: BodySource) {
    super();
    this.#room = room;
    this.#from = from;
  }

  /** Counts what it may have, or has come to; false if there is no room for so much. */
  holds(bytes: number): boolean {
    if (bytes <= Math.max(UNCOUNTED_BYTES, this.#counted)) return true;
    const account = this.#account ??= this.#from.account();
    if (!this.#room.take(account, bytes - this.#counted)) return false;
    this.#counted = bytes;
    return true;
  }

  late(): void {
    this.isLate = true;
    this.reader?.cancel().catch(() => {}); // its client may have gone
    this.end();
    this.#from.late();
  }

  /** Gives its room back. */
  end(): void {
    if (this.#counted > 0) this.#room.give(this.#account!, this.#counted);
    this.#counted = 0;
  }
}

/** Whose a body is. */
export interface BodySource {
  /** Account that it counts for. */
  account(): string;
  /** It has taken too long. */
  late(): void;
}
