import { exportJWK, generateKeyPair, SignJWT, type SignOptions } from "jose";
import { oauth, type OAuthOptions } from "../../mod.ts";

export const ISSUER = "https://login.example.com";
export const RESOURCE = "https://mcp.example.com/mcp";

type Answer = Response | Promise<Response>;

/** A provider that is reached through the option `fetch`: no socket, no browser. */
export class Issuer {
  readonly url: string;
  /** How often each path was asked for. */
  readonly asked: Map<string, number> = new Map();
  /** Answers in place of the usual ones, by path; `null` for no connection. */
  readonly answers: Map<string, ((request: Request) => Answer) | null> =
    new Map();
  now = Date.now();
  #keys: { kid: string; alg: string; pair: CryptoKeyPair; jwk: object }[] = [];

  constructor(url = ISSUER) {
    this.url = url;
  }

  static async make(url?: string): Promise<Issuer> {
    const issuer = new Issuer(url);
    await issuer.rotate("first");
    return issuer;
  }

  /** Signs with a new key from now on. */
  async rotate(kid: string, alg = "RS256"): Promise<void> {
    const pair = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...await exportJWK(pair.publicKey), kid, alg, use: "sig" };
    this.#keys.unshift({ kid, alg, pair, jwk });
  }

  get jwks(): { keys: object[] } {
    return { keys: this.#keys.map(({ jwk }) => jwk) };
  }

  get publicKey(): CryptoKey {
    return this.#keys[0].pair.publicKey;
  }

  async token(
    claims: Record<string, unknown> = {},
    header: Record<string, unknown> = {},
    options: SignOptions = {},
  ): Promise<string> {
    const { kid, alg, pair } = this.#keys[0];
    const seconds = Math.floor(this.now / 1_000);
    const all = {
      iss: this.url,
      aud: RESOURCE,
      sub: "ada",
      client_id: "client-1",
      scope: "read",
      iat: seconds,
      exp: seconds + 600,
      ...claims,
    };
    return await new SignJWT(JSON.parse(JSON.stringify(all)))
      .setProtectedHeader({ alg, kid, typ: "at+jwt", ...header })
      .sign(pair.privateKey, options);
  }

  readonly fetch: typeof fetch = (input, init) => {
    const request = new Request(input as string | URL, init);
    const { pathname } = new URL(request.url);
    this.asked.set(pathname, (this.asked.get(pathname) ?? 0) + 1);
    const answer = this.answers.get(pathname);
    if (answer === null) return Promise.reject(new TypeError("no connection"));
    if (answer !== undefined) return Promise.resolve(answer(request));
    if (pathname === "/.well-known/oauth-authorization-server") {
      return Promise.resolve(Response.json({
        issuer: this.url,
        jwks_uri: `${this.url}/keys`,
        introspection_endpoint: `${this.url}/introspect`,
        token_endpoint: `${this.url}/token`,
      }));
    }
    return Promise.resolve(
      pathname === "/keys"
        ? Response.json(this.jwks)
        : new Response("not found", { status: 404 }),
    );
  };

  /** An authenticator for its tokens. */
  auth(options: Partial<OAuthOptions> = {}): ReturnType<typeof oauth> {
    return oauth({
      issuer: this.url,
      audience: RESOURCE,
      fetch: this.fetch,
      now: () => this.now,
      ...options,
    });
  }
}
