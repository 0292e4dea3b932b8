import { InvalidOptionError } from "../base/errors.ts";
import { option, type OptionRules, readOptions } from "../base/option_rules.ts";
import { quote } from "../base/options.ts";
import type { AuthInfo } from "../protocol/types.ts";
import { readScopes } from "../server/identity/guard.ts";
import { invalidToken, malformed } from "./auth_refusal.ts";
import type { Authenticator, Presented, Verdict } from "./authenticator.ts";
import { bearerToken } from "./bearer_token.ts";
import { hexDigest } from "./digest.ts";
import { Revocation, tieRevocation } from "./revocation.ts";

/** Facts of an API key: its owner, and its worth. */
export interface ApiKey {
  /** Name of its owner, the caller's subject. Several keys of one name are one caller. */
  name: string;
  /**
   * The scopes that it grants.
   * @default none
   */
  scopes?: readonly string[];
  /**
   * Its end, a valid date.
   * @default it has none
   */
  expiresAt?: Date;
  /** Anything else that is known of its owner. */
  claims?: Record<string, unknown>;
}

/** An API key, or its SHA-256 in hexadecimal. */
export type GivenApiKey = ApiKey & ({ key: string } | { digest: string });

/** Options of {@linkcode apiKeys}: the keys, and the way they are presented. */
export interface ApiKeysOptions {
  /** The keys. Of each, only the SHA-256 is kept. */
  keys?: readonly GivenApiKey[];
  /** Finds a key elsewhere, by its SHA-256 in hexadecimal. */
  lookup?: (
    digest: string,
  ) => ApiKey | undefined | Promise<ApiKey | undefined>;
  /**
   * The header; in `Authorization` a key is a bearer token.
   * @default "X-API-Key"
   */
  header?: string;
  /**
   * Source of the time, in milliseconds since the epoch.
   * @default Date.now
   */
  now?: () => number;
}

const API_KEYS_OPTIONS = {
  keys: option.any<readonly GivenApiKey[]>([]),
  lookup: option.function<ApiKeysOptions["lookup"]>(undefined),
  header: readHeader,
  now: option.any(Date.now),
} satisfies OptionRules<ApiKeysOptions>;

/** Issuer that vouches for the callers of API keys: the server itself. */
const ISSUER = "urn:sluice:api-keys";

/** Longer than any key, so that none costs much. */
const MAX_KEY = 1_024;

/** Takes API keys; see {@linkcode apiKeys}. */
export class ApiKeys implements Authenticator {
  /** @internal */
  readonly scheme: string;
  /** @internal */
  readonly header: string;
  /** @internal */
  readonly issuers: readonly string[] = [];
  /** @internal */
  readonly audience = undefined;
  /** @internal */
  readonly skewMs = 0;
  readonly #lookup: ApiKeysOptions["lookup"];
  readonly #now: () => number;
  /** Keys that are good; those whose digest is under way, too. */
  readonly #given: Map<ApiKey, Revocation> = new Map();
  readonly #byDigest: Map<string, ApiKey> = new Map();
  readonly #callers: WeakMap<ApiKey, AuthInfo> = new WeakMap();
  #adding: Promise<void> = Promise.resolve();

  /** @internal */
  constructor(options: ApiKeysOptions) {
    const { keys, lookup, header, now } = readOptions(
      "apiKeys",
      options,
      API_KEYS_OPTIONS,
    );
    this.#lookup = lookup;
    this.#now = now;
    this.header = header.toLowerCase();
    this.scheme = this.header === "authorization" ? "Bearer" : "ApiKey";
    for (const key of keys) void this.add(key);
  }

  /**
   * Takes a key from now on.
   *
   * @throws {InvalidOptionError} for one without a name, or too short
   */
  add(given: GivenApiKey): Promise<void> {
    const { name, scopes, expiresAt, claims } = checkApiKey(given);
    const known: ApiKey = { name, scopes, expiresAt, claims };
    const digest = this.#digestOf(given);
    this.#given.set(known, new Revocation());
    // One after the other: of two that share a key, the later one holds.
    return this.#adding = this.#adding.then(async () =>
      this.#keep(await digest, known)
    );
  }

  #keep(digest: string, key: ApiKey): void {
    if (!this.#given.has(key)) return;
    const before = this.#byDigest.get(digest);
    if (before !== undefined) this.#given.delete(before);
    this.#byDigest.set(digest, key);
  }

  async #digestOf(given: GivenApiKey): Promise<string> {
    return "digest" in given
      ? given.digest.toLowerCase()
      : await hexDigest(given.key);
  }

  /**
   * Takes the keys of a name no longer, and ends the event streams that they have
   * opened; says how many there were.
   */
  revoke(name: string): number {
    const gone = [...this.#given].filter(([key]) => key.name === name);
    for (const [key] of gone) this.#given.delete(key);
    for (const [digest, key] of this.#byDigest) {
      if (key.name === name) this.#byDigest.delete(digest);
    }
    for (const [, revocation] of gone) revocation.revoke();
    return gone.length;
  }

  /** @internal */
  attach(): void {}

  /** @internal */
  identify({ headers }: Presented): "absent" | Promise<Verdict> {
    const value = headers.get(this.header);
    if (value === null) return "absent";
    const key = this.scheme === "Bearer" ? bearerToken(value) : value;
    return key === undefined ? "absent" : this.recognize(key);
  }

  /** @internal */
  async recognize(key: string): Promise<Verdict> {
    if (key.length > MAX_KEY || /[\s,]/.test(key)) {
      if (this.scheme === "Bearer") return "unknown";
      throw malformed(`${this.header} must hold one key`);
    }
    await this.#adding;
    const found = await this.#find(await hexDigest(key));
    if (found === undefined) return "unknown";
    const { expiresAt } = found;
    if (expiresAt !== undefined && expiresAt.getTime() <= this.#now()) {
      throw invalidToken("the key has expired");
    }
    return this.#callerOf(found, key);
  }

  /**
   * The digest decides, not the key: how long a look-up takes tells of what was
   * presented, and nothing of the keys there are.
   */
  async #find(digest: string): Promise<ApiKey | undefined> {
    const given = this.#byDigest.get(digest);
    if (given !== undefined) return given;
    const found = await this.#lookup?.(digest);
    if (found !== undefined) checkFacts(found);
    return found;
  }

  #callerOf(key: ApiKey, token: string): AuthInfo {
    const known = this.#callers.get(key);
    if (known !== undefined) return known;
    const { name, scopes = [], expiresAt, claims } = key;
    const caller: AuthInfo = {
      token,
      clientId: name,
      scopes: [...scopes],
      ...(expiresAt && { expiresAt: expiresAt.getTime() / 1_000 }),
      extra: { ...claims, iss: ISSUER, sub: name },
    };
    this.#callers.set(key, caller);
    const revocation = this.#given.get(key);
    if (revocation !== undefined) tieRevocation(caller, revocation);
    return caller;
  }
}

function readHeader(name: string, header: unknown = "X-API-Key"): string {
  if (/^[\w-]+$/.test(String(header))) return header as string;
  throw new InvalidOptionError(
    `${name} must be the name of a header, got ${quote(header)}`,
  );
}

/** @throws {InvalidOptionError} */
function checkFacts({ name, scopes, expiresAt }: ApiKey): void {
  if (typeof name !== "string" || name === "") {
    throw new InvalidOptionError("an API key needs a name");
  }
  readScopes(`API key ${name}: scopes`, scopes);
  if (expiresAt === undefined) return;
  if (expiresAt instanceof Date && !Number.isNaN(expiresAt.getTime())) return;
  throw new InvalidOptionError(
    `API key ${name}: expiresAt must be a valid Date, got ${quote(expiresAt)}`,
  );
}

/** @throws {InvalidOptionError} */
function checkApiKey(given: GivenApiKey): GivenApiKey {
  checkFacts(given);
  if ("digest" in given) {
    const { name, digest } = given;
    if (/^[0-9a-f]{64}$/i.test(digest)) return given;
    throw new InvalidOptionError(
      `API key ${name}: digest must be the key's SHA-256 in 64 hexadecimal ` +
        `digits, got ${kindOf(digest)}`,
    );
  }
  if (typeof given.key === "string" && given.key.length >= 16) return given;
  throw new InvalidOptionError(
    `API key ${given.name} must have at least 16 characters, or its SHA-256 ` +
      "in hexadecimal as digest",
  );
}

/** Nothing of a text is shown: somebody may have put the key itself there. */
function kindOf(digest: unknown): string {
  return typeof digest === "string"
    ? `a text of ${digest.length} characters`
    : quote(digest);
}

/**
 * Takes API keys, of which only digests are kept. Keys can be added and revoked
 * while the server runs.
 *
 * @throws {InvalidOptionError} naming the key or the option
 *
 * @example
 * ```ts
 * import { apiKeys, McpServer } from "@sluice/mcp";
 *
 * const keys = apiKeys({
 *   keys: [{ name: "nightly", key: "3f9c5be1a07d4c62", scopes: ["read"] }],
 * });
 * const server = new McpServer({ name: "notes", version: "1.0.0" }, {
 *   auth: keys,
 * });
 * keys.revoke("nightly");
 * ```
 */
export function apiKeys(options: ApiKeysOptions): ApiKeys {
  return new ApiKeys(options);
}
