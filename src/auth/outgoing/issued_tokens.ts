import { SluiceError } from "../../base/errors.ts";
import {
  option,
  type OptionRules,
  type ReadOptions,
} from "../../base/option_rules.ts";
import { ASKING_OPTIONS, fetchJson } from "../fetch_json.ts";
import { basicAuth } from "../basic_auth.ts";
import { checkProviderUrl } from "../protected_resource.ts";

/** Token endpoint of a provider, and the client that asks it. */
export interface TokenEndpointOptions {
  /** The provider's token endpoint. */
  tokenUrl: string;
  /** The client that asks. */
  clientId: string;
  /** The secret of that client. */
  clientSecret: string;
  /**
   * Scopes to ask for.
   * @default the provider's own choice
   */
  scopes?: readonly string[];
  /**
   * The API that the token is for (RFC 8707).
   * @default the provider's own choice
   */
  resource?: string;
  /**
   * Milliseconds that the provider has to answer in.
   * @default 5000
   */
  timeoutMs?: number;
  /**
   * Function that the provider is asked with.
   * @default fetch
   */
  fetch?: typeof fetch;
  /**
   * Source of the time, in milliseconds since the epoch.
   * @default Date.now
   */
  now?: () => number;
}

/** A provider gave no access token. The message holds no credential. */
export class NoTokenError extends SluiceError {
  /** The class, by name. */
  override readonly name = "NoTokenError";

  /** Says why not. */
  constructor(why: string) {
    super("SLUICE_NO_TOKEN", `no access token: ${why}`);
  }
}

/** How the options are read of all that ask for tokens. */
export const TOKEN_ENDPOINT_OPTIONS = {
  ...ASKING_OPTIONS,
  tokenUrl: checkProviderUrl,
  clientId: option.any(""),
  clientSecret: option.any(""),
  scopes: option.optional<readonly string[]>(),
  resource: option.optional<string>(),
} satisfies OptionRules<TokenEndpointOptions>;

type TokenEndpoint = ReadOptions<typeof TOKEN_ENDPOINT_OPTIONS>;

interface IssuedToken {
  readonly token: string;
  /** Time to ask for a new one, and time when this one is no good any more. */
  readonly freshUntilMs: number;
  readonly untilMs: number;
}

/** Time before its end when a token is replaced, if it lives long enough. */
const EARLY_MS = 30_000;
const DEFAULT_LIFE_S = 300;
const MAX_KEPT = 1_000;

/** Tokens that this server has been issued, each asked for once and kept. */
export class IssuedTokens {
  readonly #options: TokenEndpoint;
  readonly #url: URL;
  readonly #now: () => number;
  /** The least recently issued first. */
  readonly #kept: Map<string, IssuedToken> = new Map();
  readonly #asking: Map<string, Promise<string>> = new Map();

  constructor(options: TokenEndpoint) {
    this.#options = options;
    this.#url = options.tokenUrl;
    this.#now = options.now;
  }

  /**
   * The token kept under a key, or a new one.
   *
   * @param params what is asked for
   * @throws {NoTokenError}
   */
  async get(key: string, params: Record<string, string>): Promise<string> {
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.freshUntilMs > this.#now()) {
      return kept.token;
    }
    const begun = this.#asking.get(key);
    if (begun !== undefined) return await begun;
    const asking = this.#renew(key, params, kept)
      .finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return await asking;
  }

  /** An old token serves on until its end if there is no new one. */
  async #renew(
    key: string,
    params: Record<string, string>,
    kept: IssuedToken | undefined,
  ): Promise<string> {
    try {
      const issued = await this.#ask(params);
      this.#kept.delete(key);
      this.#kept.set(key, issued);
      if (this.#kept.size > MAX_KEPT) {
        this.#kept.delete(this.#kept.keys().next().value!);
      }
      return issued.token;
    } catch (error) {
      if (kept !== undefined && kept.untilMs > this.#now()) return kept.token;
      throw error;
    }
  }

  async #ask(params: Record<string, string>): Promise<IssuedToken> {
    const { clientId, clientSecret, scopes, resource, fetch, timeoutMs } =
      this.#options;
    const body = new URLSearchParams(params);
    if (scopes !== undefined) body.set("scope", scopes.join(" "));
    if (resource !== undefined) body.set("resource", resource);
    const answer = await fetchJson(this.#url, {
      fetch,
      timeoutMs,
      init: {
        method: "POST",
        headers: { authorization: basicAuth(clientId, clientSecret) },
        body,
      },
    }).catch((error: Error) => {
      throw new NoTokenError(error.message);
    });
    const { access_token: token, expires_in: lifeS = DEFAULT_LIFE_S } = answer;
    if (typeof token !== "string" || token === "") {
      throw new NoTokenError(`${this.#url.origin} answered without one`);
    }
    const lifeMs = Number(lifeS) * 1_000 || 0;
    const now = this.#now();
    return {
      token,
      freshUntilMs: now + lifeMs - Math.min(EARLY_MS, lifeMs / 10),
      untilMs: now + lifeMs,
    };
  }
}
