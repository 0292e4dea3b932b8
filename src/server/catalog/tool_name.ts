import { InvalidOptionError } from "../../base/errors.ts";
import { quote } from "../../base/options.ts";

/**
 * Demands a name, and warns of one that not every client takes.
 *
 * @throws {InvalidOptionError}
 */
export function checkToolName(
  name: string,
  warn: (message: string) => void,
): string {
  if (typeof name !== "string" || name === "") {
    throw new InvalidOptionError(
      `a tool's name must be a string that is not empty, got ${quote(name)}`,
    );
  }
  if (!/^[\w./-]{1,128}$/.test(name)) {
    warn(
      `tool name ${JSON.stringify(name)} may not work with every client: use ` +
        `1 to 128 letters, digits, "_", "-", "." and "/"`,
    );
  }
  return name;
}
