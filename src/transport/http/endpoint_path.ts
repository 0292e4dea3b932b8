import { quote } from "../../base/options.ts";
import { normalPath } from "../../protocol/uri_form.ts";
import { InvalidOptionError } from "../../base/errors.ts";
/** The operator's paths, which the endpoint must not hide. */
const TAKEN_PATHS = /^\/(health|metrics|dashboard|debug)(\/|$)/;

/**
 * The path as it stands in URLs: that is how requests for it come.
 *
 * @throws {InvalidOptionError}
 */
export function readPath(name: string, path: unknown = "/mcp"): string {
  // deno-lint-ignore no-control-regex -- they are what is refused
  if (typeof path !== "string" || !/^\/[^?#\x00-\x1f\x7f]*$/.test(path)) {
    throw new InvalidOptionError(
      `${name} must begin with "/" and hold no query, got ${quote(path)}`,
    );
  }
  const normal = normalPath(path);
  if (!TAKEN_PATHS.test(normal)) return normal;
  throw new InvalidOptionError(
    `${name} must not be one of the operator's own, got ${quote(path)}`,
  );
}
