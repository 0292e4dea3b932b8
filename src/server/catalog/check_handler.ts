import { InvalidOptionError } from "../../base/errors.ts";
import { quote } from "../../base/options.ts";

/**
 * Refuses a handler that can't be called, when it is registered.
 *
 * @throws {InvalidOptionError}
 */
export function checkHandler<Handler>(what: string, handler: Handler): Handler {
  if (typeof handler === "function") return handler;
  throw new InvalidOptionError(
    `${what} needs a function as its last argument, got ${quote(handler)}`,
  );
}
