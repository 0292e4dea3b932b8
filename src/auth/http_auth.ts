import { InvalidOptionError } from "../base/errors.ts";
import { readEnv } from "../base/env.ts";
import { quote } from "../base/options.ts";
import { isThenable } from "../base/thenable.ts";
import type { MaybePromise } from "../cache/cache_store.ts";
import type { Log } from "../observe/log/log.ts";
import { reportFailure } from "../observe/log/logger.ts";
import type { AuthInfo } from "../protocol/types.ts";
import { AuthRefusal, invalidToken, malformed } from "./auth_refusal.ts";
import type { Authenticator, Presented, Verdict } from "./authenticator.ts";
import { Challenges } from "./challenges.ts";
import { ProtectedResource, resourceUri } from "./protected_resource.ts";

/** The variable that a server on stdio reads its caller's credential from. */
export const CREDENTIAL_VARIABLE = "SLUICE_TOKEN";

/** Ways in which callers of a server are known. */
export interface HttpAuthOptions {
  readonly authenticators: readonly Authenticator[];
  readonly log: Log;
  /** The server's name. */
  readonly name: string;
  /** The path of the endpoint. */
  readonly path: string;
  readonly publicUrl: URL | undefined;
  /** Scopes that every request needs. */
  readonly scopes: readonly string[];
}

/** Tells who is calling by the credential that a request presents. */
export class HttpAuth {
  readonly challenges: Challenges;
  /** The endpoint as OAuth clients know it, where tokens let them in. */
  readonly resource: ProtectedResource | undefined;
  /** Milliseconds by which clocks may differ. */
  readonly skewMs: number;
  readonly #authenticators: readonly Authenticator[];
  readonly #log: Log;

  /** @throws {InvalidOptionError} if nothing says what the server is called */
  constructor(options: HttpAuthOptions) {
    const { authenticators, log, scopes } = options;
    this.#authenticators = authenticators;
    this.#log = log;
    this.skewMs = Math.max(0, ...authenticators.map(({ skewMs }) => skewMs));
    const resource = resourceOf(options);
    this.resource = resource === undefined
      ? undefined
      : protectedResource(resource, options);
    this.challenges = new Challenges({
      authenticators,
      scopes,
      metadataUrl: this.resource?.metadataUrl,
    });
    for (const each of authenticators) each.attach({ log, resource });
  }

  /** The caller, or why there is none to be let in. */
  identify(presented: Presented): MaybePromise<AuthInfo | AuthRefusal> {
    return this.#settled(() =>
      this.#ask((each) => each.identify(presented), 0, false)
    );
  }

  /** Finds the fault of a URL: a credential in it ends up in logs. */
  faultOf({ searchParams }: URL): AuthRefusal | undefined {
    return searchParams.has("access_token")
      ? malformed("a token must not be in the URL")
      : undefined;
  }

  /**
   * The caller whose credential the environment holds, for transports without
   * headers; `undefined` if it holds none.
   *
   * @throws {AuthRefusal} for one that is no good
   */
  async fromEnvironment(): Promise<AuthInfo | undefined> {
    const credential = readEnv(CREDENTIAL_VARIABLE);
    if (credential === undefined || credential === "") return undefined;
    try {
      return await this.#ask((each) => each.recognize(credential), 0, false);
    } catch (error) {
      throw error instanceof AuthRefusal
        ? new AuthRefusal(
          error.status,
          `the credential in ${CREDENTIAL_VARIABLE}: ${error.message}`,
          { code: error.code },
        )
        : error;
    }
  }

  /** The first that knows the credential decides. */
  #ask(
    ask: (authenticator: Authenticator) => MaybePromise<Verdict>,
    from: number,
    presented: boolean,
  ): MaybePromise<AuthInfo> {
    let isPresented = presented;
    for (let at = from; at < this.#authenticators.length; at++) {
      const verdict = ask(this.#authenticators[at]);
      if (isThenable(verdict)) {
        return verdict.then((each) =>
          typeof each === "object"
            ? each
            : this.#ask(ask, at + 1, isPresented || each === "unknown")
        );
      }
      if (typeof verdict === "object") return verdict;
      isPresented ||= verdict === "unknown";
    }
    throw isPresented
      ? invalidToken("the credential is not known here")
      : new AuthRefusal(401, "a credential is required");
  }

  #settled(
    ask: () => MaybePromise<AuthInfo>,
  ): MaybePromise<AuthInfo | AuthRefusal> {
    try {
      const outcome = ask();
      return isThenable(outcome)
        ? outcome.then(undefined, (error) => this.#refusal(error))
        : outcome;
    } catch (error) {
      return this.#refusal(error);
    }
  }

  #refusal(error: unknown): AuthRefusal {
    if (error instanceof AuthRefusal) return error;
    // Who can't be told apart is not let in.
    reportFailure(this.#log, "authentication", error);
    return new AuthRefusal(500, "Internal error");
  }
}

/** @throws {InvalidOptionError} */
function resourceOf(
  { authenticators, publicUrl, path }: HttpAuthOptions,
): string | undefined {
  if (publicUrl !== undefined) return resourceUri(publicUrl, path);
  const audience = authenticators.find((each) => each.audience !== undefined)
    ?.audience;
  if (audience !== undefined) return audience.replace(/\/$/, "");
  if (authenticators.every(({ issuers }) => issuers.length === 0)) {
    return undefined;
  }
  throw new InvalidOptionError(
    "auth: name the server's publicUrl, or an audience that is its URL: " +
      "clients must be told what to ask tokens for",
  );
}

function protectedResource(
  resource: string,
  { authenticators, name, path, scopes }: HttpAuthOptions,
): ProtectedResource | undefined {
  const issuers = [
    ...new Set(authenticators.flatMap(({ issuers }) => issuers)),
  ];
  return issuers.length === 0 ? undefined : new ProtectedResource({
    resource,
    path,
    name,
    issuers,
    proofAlgorithms: authenticators.flatMap((each) =>
      each.proofAlgorithms ?? []
    ),
    scopes,
  });
}

/** @throws {InvalidOptionError} for what is no authenticator, or none at all */
export function checkAuth(
  name: string,
  auth: unknown,
): readonly Authenticator[] {
  const all: readonly Authenticator[] = Array.isArray(auth) ? auth : [auth];
  if (
    all.length > 0 && all.every((each) => typeof each?.identify === "function")
  ) return all;
  throw new InvalidOptionError(
    `${name} takes what oauth() or apiKeys() make, or an array of them, got ${
      quote(auth)
    }`,
  );
}
