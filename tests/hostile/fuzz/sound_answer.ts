import assert from "node:assert/strict";

/** Demands of a message that a server says. */
export function assertSoundMessage(value: unknown): void {
  for (const each of Array.isArray(value) ? value : [value]) {
    const said = JSON.stringify(each).slice(0, 500);
    assert.equal(each?.jsonrpc, "2.0", said);
    if ("error" in each) {
      assert(Number.isSafeInteger(each.error.code), said);
      assert.equal(typeof each.error.message, "string", said);
      assert.notEqual(each.error.code, -32603, said);
      assert(!("result" in each), said);
    } else if (each.method === undefined) {
      assert.equal(typeof each.result, "object", said);
      assert.notEqual(each.id, undefined, said);
    } else assert.equal(typeof each.method, "string", said);
  }
}
