import assert from "node:assert/strict";
import fc from "fast-check";
import {
  AddressSet,
  canonicalAddress,
  countedAddress,
} from "../../src/base/ip_address.ts";
import { InvalidOptionError } from "../../mod.ts";

Deno.test("an address has one form, and what is none has none", () => {
  const forms: [string, string | undefined][] = [
    ["10.0.0.7", "10.0.0.7"],
    ["255.255.255.255", "255.255.255.255"],
    ["::1", "::1"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
    ["::ffff:10.0.0.7", "10.0.0.7"],
    ["::FFFF:a00:7", "10.0.0.7"],
    ["::ffff:0.0.0.1", "0.0.0.1"],
    ["::", "::"],
    ...[
      ...["", "10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.7.", "0x7f.1"],
      ...["2130706433", "localhost", "127.0.0.1.evil.example", "unknown"],
      ...["::1]/@evil[", ":::", "1::2::3", "[::1]", "::1:", "12345::", "%0"],
      ...["10.0.0.7 ", "10.0.0.7\n", "::ffff:10.0.0.300", "1:2:3:4:5:6:7:8:9"],
    ].map((text): [string, undefined] => [text, undefined]),
  ];
  for (const [text, form] of forms) {
    assert.equal(canonicalAddress(text), form, text);
  }
});

Deno.test("every address that can be written is read, in both families", () => {
  fc.assert(fc.property(fc.ipV4(), (text) => {
    assert.equal(canonicalAddress(text), text);
    assert.equal(canonicalAddress(`::ffff:${text}`), text);
    assert.equal(countedAddress(`::ffff:${text}`), text);
    assert.ok(new AddressSet("x", text).has(text));
    assert.ok(new AddressSet("x", `::ffff:${text}`).has(text));
  }));
  fc.assert(fc.property(fc.ipV6(), (text) => {
    const canonical = canonicalAddress(text)!;
    assert.equal(canonicalAddress(canonical), canonical);
    assert.ok(new AddressSet("x", text).has(canonical));
  }));
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    canonicalAddress(text);
    countedAddress(text);
  }));
});

Deno.test("IPv6 addresses are counted by their /64, those of IPv4 one by one", () => {
  const counted: [string, string][] = [
    ["10.0.0.7", "10.0.0.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["a socket", "a socket"],
  ];
  for (const [address, key] of counted) {
    assert.equal(countedAddress(address), key);
  }
});

Deno.test("a set has the addresses of its networks, and no others", () => {
  const set = new AddressSet("trusted", [
    ...["10.1.2.3", "192.168.0.0/16", "172.16.0.9/12", "fd00::/8"],
    ...["2001:db8::1", "loopback", "203.0.113.0/31"],
  ]);
  const inside = [
    ...["10.1.2.3", "192.168.0.0", "192.168.255.255", "172.31.0.1"],
    ...["fd12:3456::1", "2001:db8::1", "127.0.0.1", "127.255.0.9", "::1"],
    ...["203.0.113.0", "203.0.113.1"],
  ];
  const outside = [
    ...["10.1.2.4", "192.169.0.0", "172.32.0.0", "fc00::1", "2001:db8::2"],
    ...["128.0.0.1", "::2", "203.0.113.2", "::", "0.0.0.0"],
  ];
  for (const each of inside) assert.ok(set.has(each), each);
  for (const each of outside) assert.ok(!set.has(each), each);
  const everybody = new AddressSet("trusted", "0.0.0.0/0");
  assert.ok(everybody.has("8.8.8.8") && !everybody.has("2001:db8::1"));
  assert.ok(!new AddressSet("trusted", []).has("127.0.0.1"));
});

Deno.test("what is no address or network is refused by name", () => {
  const wrong: unknown[] = [
    ...["", "*", "localhost", "proxy.internal", "10.0.0.0/33", "fd00::/129"],
    ...["10.0.0.0/", "10.0.0.0/8/9", "10.0.0.0/-1", "10.0.0.0/ 8", "10.0.0"],
    ...["10.0.0.1:80", "[::1]", "fe80::1%eth0", 7, null, undefined],
  ];
  for (const entry of wrong) {
    assert.throws(
      () => new AddressSet("trusted", [entry as string]),
      (error) =>
        error instanceof InvalidOptionError &&
        error.message.startsWith("trusted takes IP addresses") &&
        error.message.includes(
          typeof entry === "string" ? JSON.stringify(entry) : String(entry),
        ),
      String(entry),
    );
  }
  for (const entries of [true, 7, {}, null]) {
    assert.throws(
      () => new AddressSet("trusted", entries as never),
      InvalidOptionError,
    );
  }
});
