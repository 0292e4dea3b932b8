import { AddressSet, canonicalAddress } from "../../base/ip_address.ts";
import { addressOf, type NetworkPeer } from "../../base/network_peer.ts";

/** The most peers whose standing is remembered. */
const MAX_KNOWN = 1_000;

/**
 * Believes what proxies say of their callers, if they are trusted: the caller is
 * the first address from the right that is none of theirs. What stands to the left
 * of it may be anybody's invention.
 */
export class TrustedProxies {
  readonly #trusted: AddressSet;
  readonly #now: () => number;
  readonly #known: Map<string, boolean> = new Map();

  /**
   * @param entries addresses, networks and `"loopback"`
   * @param now milliseconds since the epoch
   * @throws {InvalidOptionError} naming an entry that is none of these
   */
  constructor(
    entries: string | readonly string[],
    now: () => number = Date.now,
  ) {
    this.#trusted = new AddressSet("trustedProxies", entries);
    this.#now = now;
  }

  /** The caller behind a peer: the peer itself, unless it is trusted. */
  callerBehind(
    { headers, url }: Request,
    peer: NetworkPeer | undefined,
  ): NetworkPeer | undefined {
    const address = addressOf(peer);
    if (address === undefined || !this.#trusts(address)) return peer;
    const claims = claimsOf(headers);
    let caller = address;
    let hops = 0;
    while (hops < claims.addresses.length && this.#trusts(caller)) {
      const next = addressIn(claims.addresses.at(-1 - hops));
      if (next === undefined) break;
      caller = next;
      hops++;
    }
    return {
      remoteAddr: { hostname: caller },
      askedUrl: urlOf(
        url,
        claimAt(claims.protos, hops),
        claimAt(claims.hosts, hops),
      ),
      queuedMs: queuedMs(headers.get("x-request-start"), this.#now()),
      get completed() {
        return peer?.completed;
      },
    };
  }

  #trusts(address: string): boolean {
    let isTrusted = this.#known.get(address);
    if (isTrusted === undefined) {
      isTrusted = this.#trusted.has(address);
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      this.#known.set(address, isTrusted);
    }
    return isTrusted;
  }
}

/** Claims of proxies, that of the nearest last. */
interface Claims {
  readonly addresses: readonly (string | undefined)[];
  readonly protos: readonly (string | undefined)[];
  readonly hosts: readonly (string | undefined)[];
}

/**
 * Where both kinds of headers are there, `X-Forwarded-*` are the proxy's: hardly
 * any writes `Forwarded`, and those that don't pass on a caller's own.
 */
function claimsOf(headers: Headers): Claims {
  const addresses = headers.get("x-forwarded-for");
  const forwarded = headers.get("forwarded");
  if (addresses === null && forwarded !== null) {
    const elements = readForwarded(forwarded);
    return {
      addresses: elements.map((each) => each.get("for")),
      protos: elements.map((each) => each.get("proto")),
      hosts: elements.map((each) => each.get("host")),
    };
  }
  return {
    addresses: listOf(addresses),
    protos: listOf(headers.get("x-forwarded-proto")),
    hosts: listOf(headers.get("x-forwarded-host")),
  };
}

function listOf(header: string | null): string[] {
  return header === null ? [] : header.split(",").map((each) => each.trim());
}

/**
 * A pair of a `Forwarded` element, or none, and what comes after it. Blanks are taken
 * in one place for each pair: in two, a long run of them is divided in every way.
 */
const PAIR =
  /[ \t]*(?:([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))[ \t]*)?([;,]|$)/y;

/** The elements of a `Forwarded` header (RFC 7239); none of one that is broken. */
function readForwarded(header: string): Map<string, string>[] {
  const elements = [new Map<string, string>()];
  PAIR.lastIndex = 0;
  for (;;) {
    const match = PAIR.exec(header);
    if (match === null) return [];
    const [, name, quoted, token, end] = match;
    if (name !== undefined) {
      const value = quoted?.replace(/\\(.)/g, "$1") ?? token;
      elements.at(-1)!.set(name.toLowerCase(), value);
    }
    if (end === "") return elements;
    if (end === ",") elements.push(new Map());
  }
}

/** An address as proxies write it: bare, with a port, or in brackets. */
const NODE = /^(?:\[([^\]]*)\](?::[\w.-]+)?|([^:]*):[\w.-]+|(.*))$/;

function addressIn(node: string | undefined): string | undefined {
  const match = node === undefined ? null : NODE.exec(node);
  return match === null
    ? undefined
    : canonicalAddress(match[1] ?? match[2] ?? match[3]);
}

/** The claim of the proxy that the caller spoke to, which is so many hops away. */
function claimAt(
  claims: readonly (string | undefined)[],
  hops: number,
): string | undefined {
  return claims[Math.max(0, claims.length - Math.max(1, hops))];
}

/** The URL as the caller knows it; `undefined` if no good claim says anything of it. */
function urlOf(
  url: string,
  proto: string | undefined,
  host: string | undefined,
): string | undefined {
  const begin = url.indexOf("://");
  const end = url.indexOf("/", begin + 3);
  const scheme = /^https?$/i.test(proto ?? "")
    ? proto!.toLowerCase()
    : url.slice(0, begin);
  const authority = /^[\w.:[\]-]+$/.test(host ?? "") &&
      URL.canParse(`http://${host}/`)
    ? host!
    : url.slice(begin + 3, end);
  const asked = `${scheme}://${authority}${url.slice(end)}`;
  return asked === url ? undefined : asked;
}

/** Seconds, milliseconds, microseconds or nanoseconds since the epoch. */
const INSTANT = /^(?:t=)?((?:\d{3}){3,6}\d)(?:\.\d*)?$/;
/** What is said to have waited for longer comes from a clock that is wrong. */
const MAX_QUEUED_MS = 600_000;

/** Reads `X-Request-Start`, as nginx, Heroku and Apache write it. */
function queuedMs(header: string | null, now: number): number | undefined {
  const text = header?.slice(header.lastIndexOf(",") + 1).trim() ?? "";
  const digits = INSTANT.exec(text)?.[1].length;
  if (digits === undefined) return undefined;
  const startMs = Number(text.replace("t=", "")) / 10 ** (digits - 13);
  const waitedMs = now - startMs;
  return waitedMs > MAX_QUEUED_MS ? undefined : Math.max(0, waitedMs);
}
