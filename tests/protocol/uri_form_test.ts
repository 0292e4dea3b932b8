import assert from "node:assert/strict";
import fc from "fast-check";
import {
  normalEncoding,
  normalPath,
  normalUri,
} from "../../src/protocol/uri_form.ts";

const text = fc.array(
  fc.oneof(
    fc.constantFrom(
      ..."%|%%|%2|%37|%31|%25|%2e|%2F|%41|%7e|%3A|41|7|.|..|/|//|?|#|:|@|~| |\\|\t|\u00e9|\ud83d"
        .split("|"),
      "|",
      "x:",
      "http://",
      "file:///",
      "X://Host",
      "[",
      "]",
    ),
    fc.string({ maxLength: 3 }),
  ),
  { maxLength: 10 },
).map((each) => each.join(""));

const begun = fc.tuple(
  fc.constantFrom("", "x:", "x:/", "x://", "http://h", "file:///", "http:"),
  text,
).map((each) => each.join(""));

const HOW = { numRuns: 5_000 };

Deno.test("the normal form of a normal form is itself", () => {
  fc.assert(
    fc.property(begun, (uri) => {
      const encoded = normalEncoding(uri);
      assert.equal(normalEncoding(encoded), encoded);
      const normal = normalUri(uri);
      assert.equal(normalUri(normal), normal);
    }),
    HOW,
  );
  fc.assert(
    fc.property(text, (each) => {
      const normal = normalPath(`/${each}`);
      assert.equal(normalPath(normal), normal);
    }),
    HOW,
  );
});

Deno.test("decoding makes no escape that was not there", () => {
  for (
    const [uri, normal] of [
      ["x://h/%%34%31", "x://h/%2541"],
      ["x://h/%4%31", "x://h/%2541"],
      ["x://h/%2541", "x://h/%2541"],
      ["x://h/100%", "x://h/100%25"],
      ["x://h/%7euser", "x://h/~user"],
      ["http://h:%380/", "http://h/"],
    ]
  ) assert.equal(normalUri(uri), normal);
  assert.equal(normalPath("/%%34%31"), "/%2541");
});
