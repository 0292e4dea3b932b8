import assert from "node:assert/strict";
import { clientCredentials, NoTokenError, tokenExchange } from "../../mod.ts";

/** A token endpoint that counts, and may be away. */
class TokenEndpoint {
  now = 0;
  away = false;
  answer: unknown;
  readonly forms: Record<string, string>[] = [];
  readonly auth: (string | null)[] = [];

  readonly fetch: typeof fetch = async (input, init) => {
    const request = new Request(input as URL, init);
    this.forms.push(
      Object.fromEntries(new URLSearchParams(await request.text())),
    );
    this.auth.push(request.headers.get("authorization"));
    if (this.away) return new Response("hush", { status: 503 });
    return Response.json(
      this.answer ??
        { access_token: `token-${this.forms.length}`, expires_in: 600 },
    );
  };

  get options() {
    return {
      tokenUrl: "https://login.example.com/token",
      clientId: "notes",
      clientSecret: "hush",
      scopes: ["a", "b"],
      resource: "https://api.example.com",
      fetch: this.fetch,
      now: () => this.now,
    };
  }
}

Deno.test("a token is asked for once, kept, and replaced before it ends", async () => {
  const endpoint = new TokenEndpoint();
  const token = clientCredentials(endpoint.options);
  const first = await Promise.all([token(), token(), token()]);
  assert.deepEqual(first, ["token-1", "token-1", "token-1"]);
  assert.deepEqual(endpoint.forms, [{
    grant_type: "client_credentials",
    scope: "a b",
    resource: "https://api.example.com",
  }]);
  assert.deepEqual(endpoint.auth, [`Basic ${btoa("notes:hush")}`]);
  endpoint.now = 569_000;
  assert.equal(await token(), "token-1");
  endpoint.now = 571_000;
  assert.equal(await token(), "token-2");
});

Deno.test("a token serves to its end while the provider is away", async () => {
  const endpoint = new TokenEndpoint();
  const token = clientCredentials(endpoint.options);
  await token();
  endpoint.away = true;
  endpoint.now = 580_000;
  assert.equal(await token(), "token-1");
  endpoint.now = 600_000;
  await assert.rejects(token(), (error: Error) => {
    assert.ok(error instanceof NoTokenError);
    assert.ok(!error.message.includes("hush"));
    return true;
  });
  endpoint.away = false;
  assert.equal(await token(), "token-4");
});

Deno.test("answers without a token are errors", async () => {
  const endpoint = new TokenEndpoint();
  const token = clientCredentials(endpoint.options);
  for (const answer of [{}, { access_token: "" }, [], "x"]) {
    endpoint.answer = answer;
    await assert.rejects(token(), NoTokenError);
  }
});

Deno.test("each caller's token is exchanged for one of its own", async () => {
  const endpoint = new TokenEndpoint();
  const exchange = tokenExchange({ ...endpoint.options, audience: "api" });
  assert.equal(await exchange("ada"), "token-1");
  assert.equal(await exchange("eve"), "token-2");
  assert.equal(await exchange("ada"), "token-1");
  assert.deepEqual(endpoint.forms[1], {
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    subject_token: "eve",
    subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
    audience: "api",
    scope: "a b",
    resource: "https://api.example.com",
  });
});

Deno.test("a token endpoint that could be overheard is refused", () => {
  const { options } = new TokenEndpoint();
  assert.throws(
    () => clientCredentials({ ...options, tokenUrl: "http://a.example/token" }),
    /tokenUrl must be an https URL/,
  );
});
