import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type JsonObject,
  notificationText,
  notificationTexts,
} from "../../src/protocol/jsonrpc.ts";
import { JsonValueError } from "../../src/protocol/json_value.ts";

Deno.test("the texts of one notification say the same, each with its own id", () => {
  const params = fc.dictionary(
    fc.oneof(fc.string(), fc.constantFrom("_meta", "1", "uri")),
    fc.jsonValue(),
  );
  const id = fc.oneof(fc.string({ unit: "binary" }), fc.maxSafeInteger());
  fc.assert(
    fc.property(params, fc.array(id), (params, ids) => {
      const textFor = notificationTexts("notifications/x", params, 'a"/id');
      for (const id of [...ids, ...ids]) {
        const whole = notificationText("notifications/x", {
          ...params,
          _meta: { 'a"/id': id },
        });
        assert.deepEqual(JSON.parse(textFor(id)), JSON.parse(whole));
      }
    }),
  );
});

Deno.test("texts of a notification can't be made of what JSON can't say", () => {
  const params: JsonObject = { at: new Map([[1, 2]]) };
  assert.throws(
    () => notificationTexts("notifications/x", params, "id"),
    JsonValueError,
  );
});
