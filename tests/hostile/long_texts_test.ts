import assert from "node:assert/strict";
import { canonicalAddress } from "../../src/base/ip_address.ts";
import { safeText } from "../../src/observe/log/log_fields.ts";
import { hasOption } from "../../src/pool/http/http1/http1_head.ts";
import { isContentBlock } from "../../src/protocol/content_check.ts";
import { TrustedProxies } from "../../src/transport/http/trusted_proxies.ts";

const LENGTH = 200_000;
const blanks = " ".repeat(LENGTH);

/** Texts of which a careless pattern tries every division: minutes for the longest. */
const attempts: Record<string, () => void> = {
  "a Forwarded header": () => {
    const proxies = new TrustedProxies("loopback");
    const peer = { remoteAddr: { hostname: "127.0.0.1" } };
    const forwarded = `for=10.0.0.1,${blanks}"`;
    const request = new Request("http://localhost/", {
      headers: { forwarded },
    });
    const caller = proxies.callerBehind(request, peer);
    assert.equal(caller?.remoteAddr?.hostname, "127.0.0.1");
  },
  "an address": () => {
    assert.equal(canonicalAddress(`${":".repeat(LENGTH)}x`), undefined);
  },
  "a Connection header": () => {
    assert.equal(hasOption(`a${blanks}b, Close`, "close"), true);
    assert.equal(hasOption(`a${blanks}b`, "close"), false);
  },
  "base64": () => {
    const block = { type: "image", mimeType: "image/png" };
    assert.equal(isContentBlock({ ...block, data: `${blanks}!` }), false);
    assert.equal(isContentBlock({ ...block, data: `QQ== ${blanks}` }), true);
    assert.equal(isContentBlock({ ...block, data: "QQ=Q" }), false);
  },
  "a line of the log": () => {
    for (let i = 0; i < 100; i++) safeText(`?${"token".repeat(LENGTH / 5)}`);
  },
};

for (const [what, attempt] of Object.entries(attempts)) {
  Deno.test(`${what} that looks as if it went on takes no longer than another`, () => {
    const begunAt = performance.now();
    attempt();
    assert.ok(performance.now() - begunAt < 2_000);
  });
}
