import { InvalidOptionError } from "../base/errors.ts";
import { quote } from "../base/options.ts";

/** Says nothing of a refused URL but its scheme: it may hold a password. */
export function checkRedisUrl(url: unknown): string {
  const protocol = typeof url === "string" && URL.canParse(url)
    ? new URL(url).protocol
    : undefined;
  if (protocol === "redis:" || protocol === "rediss:") return url as string;
  throw new InvalidOptionError(
    `url must begin with redis:// or rediss://, got ${
      protocol === undefined ? described(url) : quote(protocol)
    }`,
  );
}

function described(url: unknown): string {
  return typeof url === "string" && url !== "" ? "something else" : quote(url);
}
