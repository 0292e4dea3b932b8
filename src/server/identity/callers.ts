import type { AuthInfo } from "../../protocol/types.ts";
import { type Caller, checkAuthInfo, KnownCaller } from "./caller.ts";

/** Scopes that come with others, such as `{ admin: ["read", "write"] }`. */
export type ImpliedScopes = Readonly<Record<string, readonly string[]>>;

/** Settings for telling callers apart. */
export interface CallersOptions {
  /** The id of a caller. */
  identify(authInfo: AuthInfo): string;
  readonly implies: ImpliedScopes;
}

/** Makes callers of what transports know of them, one for each token. */
export class Callers {
  readonly #options: CallersOptions;
  readonly #known: WeakMap<AuthInfo, Caller> = new WeakMap();

  constructor(options: CallersOptions) {
    this.#options = options;
  }

  /**
   * The caller; `undefined` for nobody known.
   *
   * @throws {TypeError} for what doesn't say who it is
   */
  of(authInfo: AuthInfo | undefined): Caller | undefined {
    if (authInfo === undefined) return undefined;
    const known = this.#known.get(authInfo);
    if (known !== undefined) return known;
    checkAuthInfo(authInfo);
    const caller = new KnownCaller(
      this.#options.identify(authInfo),
      authInfo,
      this.#withImplied(authInfo.scopes ?? []),
    );
    this.#known.set(authInfo, caller);
    return caller;
  }

  /** The id of a caller; nobody has the empty one. */
  identify(authInfo: AuthInfo | undefined): string {
    return this.of(authInfo)?.id ?? "";
  }

  #withImplied(scopes: readonly string[]): ReadonlySet<string> {
    const { implies } = this.#options;
    const all = new Set(scopes);
    // A set also visits what is added on the way.
    for (const scope of all) {
      if (!Object.hasOwn(implies, scope)) continue;
      for (const implied of implies[scope]) all.add(implied);
    }
    return all;
  }
}
