import { SluiceError } from "../../base/errors.ts";

/** A skill can't be served; the message says all that is wrong with it. */
export class InvalidSkillError extends SluiceError {
  /** The class, by name. */
  override readonly name = "InvalidSkillError";
  /** Everything that is wrong, each for itself. */
  readonly problems: readonly string[];

  /** Names the skill or its folder, and everything that is wrong with it. */
  constructor(
    what: string,
    problems: readonly string[],
    options?: ErrorOptions,
  ) {
    super(
      "SLUICE_INVALID_SKILL",
      `skill ${what} can't be served: ${problems.join("; ")}`,
      options,
    );
    this.problems = problems;
  }
}
