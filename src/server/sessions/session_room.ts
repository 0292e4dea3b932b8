import type { SharedRoom } from "../../base/shared_room.ts";
import { noRoomFor } from "../../protocol/protocol_errors.ts";

/** Room that one session takes of its account's share, until it ends. */
export class SessionRoom {
  readonly #room: SharedRoom;
  readonly #account: string;
  /** Characters that are kept for it. */
  #kept = 0;
  #closed = false;

  constructor(room: SharedRoom, account: string) {
    this.#room = room;
    this.#account = account;
  }

  /** Counts characters that are kept. @throws {RefusedError} */
  keep(characters: number): void {
    if (this.#closed) return;
    if (!this.#room.take(this.#account, characters)) {
      throw noRoomFor("what sessions keep");
    }
    this.#kept += characters;
  }

  /** Gives back what was kept. */
  letGo(characters: number): void {
    if (this.#closed) return;
    this.#room.give(this.#account, characters);
    this.#kept -= characters;
  }

  /** Gives everything back, and counts no more. */
  close(): void {
    this.letGo(this.#kept);
    this.#closed = true;
  }
}
