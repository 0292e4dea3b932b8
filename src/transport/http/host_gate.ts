import { InvalidOptionError } from "../../base/errors.ts";
import { LOOPBACK } from "../../base/loopback.ts";
import type {
  OptionRule,
  OptionRules,
  ReadOptions,
} from "../../base/option_rules.ts";
import { checkName, quote } from "../../base/options.ts";

/** Hosts and origins that may talk to the server. */
export interface GateOptions {
  /**
   * Host names (without port) that requests may be addressed to beside
   * localhost, 127.0.0.1 and [::1]; `"*"` for any.
   * @default none; any where `serve` listens on an address beyond the loopback
   */
  allowedHosts?: readonly string[] | "*";
  /**
   * Origins that browsers may call from, beside the server's own and, for a
   * server on the loopback, any other on it; `"*"` for any. Each as the browser
   * writes it, such as `https://example.com`, `chrome-extension://…` or `null`.
   * @default none
   */
  allowedOrigins?: readonly string[] | "*";
}

/** How they are read. */
export const GATE_OPTIONS = {
  allowedHosts: setOf(checkHost),
  allowedOrigins: setOf(checkOrigin),
} satisfies OptionRules<GateOptions>;

/**
 * Keeps web pages of strangers out (DNS rebinding): a request must be addressed
 * to a known host, and a browser must call from a known origin.
 */
export class HostGate {
  #hosts: ReadonlySet<string> | "*";
  /** True if the author has said which; to be called something outside says nothing. */
  readonly #isNamed: boolean;
  readonly #origins: ReadonlySet<string> | "*";

  /** @param publicUrl what the server is called outside */
  constructor(
    { allowedHosts: hosts, allowedOrigins }: ReadOptions<typeof GATE_OPTIONS>,
    publicUrl: URL | undefined,
  ) {
    this.#hosts = publicUrl === undefined || hosts === "*"
      ? hosts
      : new Set([...hosts, publicUrl.hostname]);
    this.#isNamed = hosts !== "*" && hosts.size > 0;
    this.#origins = allowedOrigins;
  }

  /** Lets requests be addressed to any host, unless some have been named. */
  openToAnyHost(): void {
    if (!this.#isNamed) this.#hosts = "*";
  }

  /** Tells if requests may be addressed to a host. */
  allowsHost({ hostname }: URL): boolean {
    return this.#hosts === "*" || LOOPBACK.has(hostname) ||
      this.#hosts.has(withoutRoot(hostname));
  }

  /** Tells if pages of an origin may call the server at `url`. */
  allowsOrigin(origin: string, url: URL): boolean {
    if (this.#origins === "*" || this.#origins.has(origin)) return true;
    const from = URL.parse(origin);
    if (from === null) return false;
    return from.host === url.host ||
      (LOOPBACK.has(from.hostname) && LOOPBACK.has(url.hostname));
  }
}

function setOf(
  check: (text: string) => string,
): OptionRule<ReadonlySet<string> | "*"> {
  return (name, texts = []) => {
    if (texts === "*") return texts;
    if (Array.isArray(texts)) {
      return new Set(
        texts.map((text) => check(checkName(`${name}: each`, text))),
      );
    }
    throw new InvalidOptionError(
      `${name} must be an array, or "*" for any, got ${quote(texts)}`,
    );
  };
}

function checkHost(host: string): string {
  if (host.includes("*")) {
    throw new InvalidOptionError(
      `allowedHosts takes host names, or "*" in place of the array for any, ` +
        `but no patterns, got ${quote(host)}`,
    );
  }
  const address = URL.parse(`http://[${host}]/`);
  if (address !== null) return address.hostname;
  const parsed = URL.parse(`http://${host}/`);
  if (parsed === null || /:\d*$|[/@?#\\\s]/.test(host)) {
    throw new InvalidOptionError(
      `allowedHosts takes host names without a scheme or a port, got ${
        quote(host)
      }`,
    );
  }
  return withoutRoot(parsed.hostname);
}

/** `example.com.` and `example.com` are the same host. */
function withoutRoot(hostname: string): string {
  return hostname.replace(/\.$/, "");
}

/** Origins of pages that come from a file or from nowhere, as browsers and Electron say them. */
const LOCAL_ORIGINS = ["null", "file://"];

/** A scheme that is not the web's own, whose origins URL parsers can't tell. */
const FOREIGN_ORIGIN =
  /^(?!https?:|wss?:|ftp:|file:)[a-z][a-z\d+.-]*:\/\/[^\s/?#@]+$/;

function checkOrigin(origin: string): string {
  if (
    LOCAL_ORIGINS.includes(origin) || FOREIGN_ORIGIN.test(origin) ||
    URL.parse(origin)?.origin === origin
  ) return origin;
  throw new InvalidOptionError(
    `allowedOrigins takes origins such as "https://example.com", got ${
      JSON.stringify(origin)
    }`,
  );
}
