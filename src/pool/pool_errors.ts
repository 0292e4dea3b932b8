import { SluiceError } from "../base/errors.ts";

/** A lease was used after it had been released or discarded. */
export class LeaseReleasedError extends SluiceError {
  /** The class, by name. */
  override readonly name = "LeaseReleasedError";

  /** Names the pool that the item belongs to. */
  constructor(pool: string) {
    super(
      "SLUICE_LEASE_RELEASED",
      `this lease of ${pool} has been released and can't be used any more`,
    );
  }
}
