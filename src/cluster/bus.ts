/** Hears what the other members of a {@linkcode Bus} say. */
export interface BusListener {
  /** Takes what a member said, to all or to this one alone. */
  message(text: string, from: string): void;
  /** Told whenever it hears again after messages may have been missed. */
  gap(): void;
}

/**
 * Carries messages between the processes of one server. What one member says,
 * each other that is there hears once, in the order it was said; who is cut off
 * misses it, and is told that it did.
 */
export interface Bus extends AsyncDisposable {
  /** Name of this member: unguessable, and new with every start. */
  readonly member: string;
  /** True while this member hears all that the others say; a gap is told before it is again. */
  readonly connected: boolean;
  /** Hands what is heard to a listener, the only one. */
  listen(listener: BusListener): void;
  /** Resolves once this member hears what the others say, or the bus is closed. */
  ready(): Promise<void>;
  /**
   * Says something to all other members.
   *
   * @throws {UnavailableError} if the bus did not take it
   */
  broadcast(text: string): Promise<void>;
  /**
   * Says something to one member; tells if it is there.
   *
   * @throws {UnavailableError} if the bus did not take it
   */
  send(member: string, text: string): Promise<boolean>;
}
