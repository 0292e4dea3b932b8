import { InvalidOptionError } from "../../base/errors.ts";
import { quote } from "../../base/options.ts";

const TAKEN = /^(postgres(ql)?:\/\/|(memory|file):)/;
const SCHEME = /^[a-z][a-z0-9+.-]*:(?=\/\/)/i;

/** Says nothing of a refused URL but its scheme: it may hold a password. */
export function checkPostgresUrl(url: unknown): string {
  const text = url instanceof URL ? url.href : url;
  if (typeof text === "string" && TAKEN.test(text)) return text;
  throw new InvalidOptionError(
    "url must be a postgres:// or postgresql:// URL, or memory: or file: for a " +
      `database in this process, got ${described(text)}`,
  );
}

function described(url: unknown): string {
  if (typeof url !== "string" || url === "") return quote(url);
  const scheme = SCHEME.exec(url)?.[0];
  return scheme === undefined ? "something else" : quote(scheme);
}
