import assert from "node:assert/strict";
import { accountOf } from "../../src/server/identity/account.ts";

Deno.test("strangers count by their address, of IPv6 by its network", () => {
  const at = (hostname: string) => accountOf("", { remoteAddr: { hostname } });
  assert.equal(at("2001:db8::1"), at("2001:db8:0:0:ffff::2"));
  assert.notEqual(at("2001:db8::1"), at("2001:db8:0:1::1"));
  assert.notEqual(at("192.0.2.1"), at("192.0.2.2"));
  assert.equal(at("::ffff:192.0.2.1"), at("192.0.2.1"));
  assert.equal(accountOf("", undefined), "");
});

Deno.test("who is known counts by name, from wherever", () => {
  const peer = { remoteAddr: { hostname: "192.0.2.1" } };
  assert.equal(accountOf("ada", peer), accountOf("ada", undefined));
  assert.notEqual(accountOf("ada", peer), accountOf("", peer));
});
