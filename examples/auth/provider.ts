import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { Provider } from "oidc-provider";

/** How the provider behaves. */
export interface ProviderSetup {
  /** The resource that it issues tokens for. */
  resource: string;
  /** Whether its access tokens say themselves what they are worth. */
  format: "jwt" | "opaque";
  /** Seconds for which they are good. */
  ttlS?: number;
}

/** The client as which the MCP server asks about tokens. */
export const INTROSPECTOR = { clientId: "mcp-server", clientSecret: "hush" };

/**
 * A real authorization server (`oidc-provider`), whose only user agrees to
 * everything. In its place stands yours: see docs/identity.md.
 */
export class DemoProvider implements AsyncDisposable {
  readonly issuer: string;
  readonly #server: ReturnType<typeof createServer>;

  private constructor(
    issuer: string,
    server: ReturnType<typeof createServer>,
  ) {
    this.issuer = issuer;
    this.#server = server;
  }

  static async start(
    port: number,
    { resource, format, ttlS = 600 }: ProviderSetup,
  ): Promise<DemoProvider> {
    const issuer = `http://127.0.0.1:${port}`;
    const provider = new Provider(issuer, {
      clients: [{
        client_id: INTROSPECTOR.clientId,
        client_secret: INTROSPECTOR.clientSecret,
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      }],
      scopes: ["openid", "offline_access", "read", "write"],
      cookies: { keys: ["a key of the example"] },
      interactions: {
        url: (_ctx: unknown, { uid }: { uid: string }) => `/interaction/${uid}`,
      },
      issueRefreshToken: () => true,
      ttl: { AccessToken: ttlS, Interaction: 600, Session: 600, Grant: 600 },
      features: {
        devInteractions: { enabled: false },
        registration: { enabled: true },
        revocation: { enabled: true },
        clientCredentials: { enabled: true },
        introspection: { enabled: true, allowedPolicy: () => true },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => resource,
          useGrantedResource: () => true,
          getResourceServerInfo: () => ({
            scope: "read write",
            audience: resource,
            accessTokenTTL: ttlS,
            accessTokenFormat: format,
            jwt: { sign: { alg: "RS256" } },
          }),
        },
      },
      findAccount: (_ctx: unknown, id: string) => ({
        accountId: id,
        claims: () => ({ sub: id }),
      }),
    } as never);
    provider.on(
      "server_error",
      (_ctx: unknown, error: unknown) => console.error(error),
    );
    const handle = provider.callback();
    const server = createServer((request, response) => {
      if (request.url?.startsWith("/interaction/")) {
        void agree(provider, request, response, resource);
      } else if (request.url === "/reg") {
        void register(request).then(() => handle(request, response));
      } else void handle(request, response);
    });
    await new Promise<void>((resolve) =>
      server.listen(port, "127.0.0.1", resolve)
    );
    return new DemoProvider(issuer, server);
  }

  /** Takes a token back. */
  async revoke(token: string, clientId: string): Promise<void> {
    const response = await fetch(`${this.issuer}/token/revocation`, {
      method: "POST",
      body: new URLSearchParams({ token, client_id: clientId }),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`revocation: ${response.status}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/**
 * Reads a registration and lets its client ask for any scope: official clients
 * register for those of the first challenge alone, and could never step up.
 */
async function register(request: IncomingMessage): Promise<void> {
  let text = "";
  for await (const piece of request) text += piece;
  Object.assign(request, {
    body: { ...JSON.parse(text), scope: "openid offline_access read write" },
  });
}

/** Logs the one user in and consents to all that is asked. */
async function agree(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
  resource: string,
): Promise<void> {
  const { prompt, params, session } = await provider.interactionDetails(
    request,
    response,
  );
  const accountId = "ada";
  if (prompt.name === "login") {
    await provider.interactionFinished(request, response, {
      login: { accountId },
    });
    return;
  }
  const grant = new provider.Grant({
    accountId: session?.accountId ?? accountId,
    clientId: params.client_id as string,
  });
  grant.addOIDCScope("openid offline_access read write");
  grant.addResourceScope(resource, String(params.scope ?? "read"));
  await provider.interactionFinished(request, response, {
    consent: { grantId: await grant.save() },
  }, { mergeWithLastSubmission: true });
}

/** Follows a user's browser from the authorization URL to the client's own. */
export async function browse(
  start: URL,
  redirectUri: string,
): Promise<URLSearchParams> {
  const cookies = new Map<string, string>();
  let url = start;
  for (let hop = 0; hop < 20; hop++) {
    const response = await fetch(url, {
      redirect: "manual",
      headers: {
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`)
          .join("; "),
      },
    });
    await response.body?.cancel();
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
      if (value === "") cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = response.headers.get("location");
    if (location === null) {
      throw new Error(`no redirect from ${url}: ${response.status}`);
    }
    url = new URL(location, url);
    if (url.href.startsWith(redirectUri)) return url.searchParams;
  }
  throw new Error("too many redirects");
}
