import { InvalidOptionError } from "./errors.ts";
import { quote } from "./options.ts";

/** Dotted decimal; other spellings of IPv4 are read differently by everybody. */
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
/** All that may stand in an IPv6 address, and after it the zone of a link. */
const IPV6 = /^([\da-f.]*:[\da-f:.]*)(?:%[\w.-]+)?$/i;
const MAPPED = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/;

/**
 * An IP address as RFC 5952 writes it, without a zone; one of IPv4 that is mapped
 * into IPv6 as that of IPv4. `undefined` for what is none.
 */
export function canonicalAddress(text: string): string | undefined {
  if (IPV4.test(text)) return text;
  const letters = IPV6.exec(text)?.[1];
  const host = letters && URL.parse(`http://[${letters}]/`)?.hostname;
  if (!host) return undefined;
  const address = host.slice(1, -1);
  const mapped = MAPPED.exec(address);
  if (mapped === null) return address;
  return mapped.slice(1).flatMap((group) => {
    const bits = parseInt(group, 16);
    return [bits >> 8, bits & 255];
  }).join(".");
}

/**
 * The address whose caller is counted: an IPv4 address itself, but the /64 that an
 * IPv6 address is in, since whoever has one has them all (RFC 6177).
 */
export function countedAddress(address: string): string {
  if (!address.includes(":")) return address;
  const canonical = canonicalAddress(address);
  if (canonical === undefined || !canonical.includes(":")) {
    return canonical ?? address;
  }
  return `${groupsOf(canonical).slice(0, 4).join(":")}::/64`;
}

/** Addresses of a network: those that are alike from a bit on. */
interface Network {
  readonly bits: bigint;
  /** Number of bits that differ from address to address. */
  readonly free: bigint;
}

const LOOPBACK_NETWORKS = ["127.0.0.0/8", "::1"];

/** A set of addresses, named one by one or by their networks. */
export class AddressSet {
  readonly #networks: readonly Network[];

  /**
   * @param option names the option that they come from
   * @param entries addresses, CIDRs (RFC 4632, RFC 4291) and `"loopback"`
   * @throws {InvalidOptionError} for an entry that is none of these
   */
  constructor(option: string, entries: string | readonly string[]) {
    const all = typeof entries === "string" ? [entries] : entries;
    if (!Array.isArray(all)) {
      throw new InvalidOptionError(
        `${option} must be an address or an array of them, got ${
          quote(entries)
        }`,
      );
    }
    this.#networks = all
      .flatMap((each) => each === "loopback" ? LOOPBACK_NETWORKS : [each])
      .map((each) => networkOf(option, each));
  }

  /** Tells if an address is one of them; what is none is not. */
  has(text: string): boolean {
    const address = canonicalAddress(text);
    if (address === undefined) return false;
    const bits = bitsOf(address);
    return this.#networks.some((each) =>
      bits >> each.free === each.bits >> each.free
    );
  }
}

/** @throws {InvalidOptionError} naming the entry */
function networkOf(option: string, entry: string): Network {
  const [text, length] = typeof entry === "string" ? entry.split("/") : [""];
  const address = canonicalAddress(text);
  if (address !== undefined && !entry.includes("%")) {
    const width = text.includes(":") ? 128 : 32;
    const known = length ?? String(width);
    const fits = /^\d{1,3}$/.test(known) && Number(known) <= width &&
      entry.split("/").length <= 2;
    if (fits) {
      return { bits: bitsOf(address), free: BigInt(width - Number(known)) };
    }
  }
  throw new InvalidOptionError(
    `${option} takes IP addresses, networks such as "10.0.0.0/8" or ` +
      `"fd00::/8", and "loopback", got ${quote(entry)}`,
  );
}

/** An address as the 128 bits of IPv6: one of IPv4 is mapped into it. */
function bitsOf(address: string): bigint {
  if (!address.includes(":")) {
    return address.split(".").reduce(
      (bits, each) => bits << 8n | BigInt(each),
      0xffffn,
    );
  }
  return groupsOf(address).reduce(
    (bits, group) => bits << 16n | BigInt(`0x${group}`),
    0n,
  );
}

/** The eight groups of a canonical IPv6 address. */
function groupsOf(address: string): string[] {
  const [before, after] = address.split("::").map((part) =>
    part.split(":").filter((group) => group !== "")
  );
  if (after === undefined) return before;
  const zeros = Array(8 - before.length - after.length).fill("0");
  return [...before, ...zeros, ...after];
}
