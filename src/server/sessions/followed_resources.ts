import { InvalidParamsError } from "../../protocol/protocol_errors.ts";
import { normalUri } from "../../protocol/uri_form.ts";
import type { SessionKeeper } from "./session_keeper.ts";
import type { SessionRoom } from "./session_room.ts";

/** Number of resources that a client may follow on one session, or one stream. */
export const MAX_FOLLOWED = 1_000;

/** Characters that one more resource takes beside those of its URI, about. */
export const FOLLOWED_EACH = 200;

/** Resources that a session's client follows. */
export class FollowedResources {
  readonly #room: SessionRoom;
  readonly #keeper: SessionKeeper | undefined;
  /** By the normal form of their URIs; false for what the client is told nothing of. */
  #told: Map<string, boolean> | undefined;

  constructor(room: SessionRoom, keeper: SessionKeeper | undefined) {
    this.#room = room;
    this.#keeper = keeper;
  }

  /**
   * Notes that the client wants to hear of a resource's updates.
   *
   * @param told false for what it must not tell from what isn't there: it is told
   *   nothing of that
   * @throws {InvalidParamsError} for one too many
   * @throws {RefusedError} if there is no room for it
   * @throws {UnavailableError} if the other replicas can't be told
   */
  async add(uri: string, told: boolean = true): Promise<void> {
    this.checkOneMore(uri);
    const form = normalUri(uri);
    const isNew = !this.#told?.has(form);
    this.#set(form, told);
    try {
      await (told ? this.#keeper?.follow(form) : this.#keeper?.unfollow(form));
    } catch (error) {
      if (isNew) this.hears(form, false);
      throw error;
    }
  }

  /** @throws {UnavailableError} if the other replicas can't be told */
  async remove(uri: string): Promise<void> {
    const form = normalUri(uri);
    await this.#keeper?.unfollow(form);
    this.hears(form, false);
  }

  /**
   * Takes note of what another replica, or the store, says of a resource.
   *
   * @throws {RefusedError} if there is no room for it
   */
  hears(form: string, wanted: boolean): void {
    if (wanted) this.#set(form, true);
    else if (this.#told?.delete(form)) this.#room.letGo(sizeOf(form));
  }

  /**
   * Takes over all that the store says.
   *
   * @throws {RefusedError} if there is no room for it
   */
  become(forms: readonly string[]): void {
    const wanted = new Set(forms);
    for (const form of [...this]) {
      if (!wanted.has(form)) this.hears(form, false);
    }
    for (const form of wanted) this.hears(form, true);
  }

  #set(form: string, told: boolean): void {
    if (!this.#told?.has(form)) this.#room.keep(sizeOf(form));
    (this.#told ??= new Map()).set(form, told);
  }

  /** @throws {InvalidParamsError} if the client may not follow one more resource */
  checkOneMore(uri: string): void {
    const told = this.#told;
    if (
      told !== undefined && told.size >= MAX_FOLLOWED &&
      !told.has(normalUri(uri))
    ) {
      throw new InvalidParamsError(
        `Invalid params: uri is one too many: a session follows at most ` +
          `${MAX_FOLLOWED} resources`,
      );
    }
  }

  /** Tells if the client is to hear of what has this URI, in its normal form. */
  has(form: string): boolean {
    return this.#told?.get(form) === true;
  }

  /** The resources that the client is told of, in the normal form of their URIs. */
  *[Symbol.iterator](): Generator<string> {
    for (const [form, told] of this.#told ?? []) if (told) yield form;
  }

  clear(): void {
    this.#told?.clear();
  }
}

/** Characters that following a resource takes, about. */
function sizeOf(form: string): number {
  return FOLLOWED_EACH + form.length;
}
