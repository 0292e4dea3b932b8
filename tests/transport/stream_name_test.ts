import assert from "node:assert/strict";
import fc from "fast-check";
import {
  nameStream,
  readStreamName,
} from "../../src/transport/http/legacy/stream_name.ts";

Deno.test("a stream's name says whose it is, whatever ids the client gives its requests", () => {
  const id = fc.oneof(fc.string({ maxLength: 10 }), fc.integer());
  const ids = fc.array(id, { maxLength: 2 });
  fc.assert(
    fc.property(ids, (requests) => {
      const name = { session: "a-session", member: "a-member", requests };
      const text = nameStream(name, "unique");
      assert.match(text, /^[\x21-\x7e]+$/);
      assert.deepEqual(readStreamName(text), name);
    }),
    { examples: [[["a~b", "~"]]] },
  );
});
