import { SluiceError } from "../base/errors.ts";

/** A lease was used after it had been released or discarded. */
export class LeaseReleasedError extends SluiceError {
  override readonly name = "LeaseReleasedError";

  constructor(pool: string) {
    super(
      "SLUICE_LEASE_RELEASED",
      `this lease of ${pool} has been released and can't be used any more`,
    );
  }
}
