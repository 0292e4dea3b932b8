import assert from "node:assert/strict";
import fc from "fast-check";
import {
  isBaggage,
  parseTraceparent,
  traceparentOf,
  TraceState,
} from "../../src/observe/trace/trace_context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

function hex(length: number): fc.Arbitrary<string> {
  return fc.string({
    unit: fc.constantFrom(..."0123456789abcdef"),
    minLength: length,
    maxLength: length,
  }).filter((text) => /[^0]/.test(text));
}

Deno.test("what is written is read as the same", () => {
  fc.assert(
    fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, sampled) => {
      const context = { traceId, spanId, traceFlags: sampled ? 1 : 0 };
      assert.deepEqual(parseTraceparent(traceparentOf(context)), {
        ...context,
        isRemote: true,
      });
    }),
  );
});

Deno.test("anything that is changed in one place is refused, or is as valid", () => {
  const good = `00-${TRACE}-${SPAN}-01`;
  fc.assert(
    fc.property(
      fc.nat(good.length - 1),
      fc.string({ minLength: 0, maxLength: 2 }),
      (at, put) => {
        const bent = good.slice(0, at) + put + good.slice(at + 1);
        const parsed = parseTraceparent(bent);
        const valid =
          /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
            .test(bent);
        assert.equal(parsed !== undefined, valid, bent);
      },
    ),
  );
});

Deno.test("whatever comes in, nothing is thrown", () => {
  fc.assert(fc.property(fc.anything(), fc.anything(), (one, other) => {
    parseTraceparent(one, other);
    TraceState.parse(other);
    isBaggage(one);
  }));
});

Deno.test("the rules of W3C Trace Context", () => {
  const refused = [
    "",
    `ff-${TRACE}-${SPAN}-01`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}-1`,
    ` 00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01\n`,
    `01-${TRACE}-${SPAN}-01-${"x".repeat(300)}`,
    `01-${TRACE}-${SPAN}-01more`,
  ];
  for (const each of refused) assert.equal(parseTraceparent(each), undefined);
  assert.equal(
    parseTraceparent(`01-${TRACE}-${SPAN}-01-more`)?.spanId,
    SPAN,
    "a later version may say more",
  );
  assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-ff`)?.traceFlags, 1);
  assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-02`)?.traceFlags, 0);
});

Deno.test("a tracestate is kept in its order, within its bounds", () => {
  const state = TraceState.parse(" rojo=00f067aa , congo=t61rcWkgMzE,,t@v=1")!;
  assert.equal(state.serialize(), "rojo=00f067aa,congo=t61rcWkgMzE,t@v=1");
  assert.equal(state.get("congo"), "t61rcWkgMzE");
  assert.equal(
    state.set("congo", "new").serialize(),
    "congo=new,rojo=00f067aa,t@v=1",
  );
  assert.equal(state.unset("rojo").get("rojo"), undefined);
  assert.equal(state.get("rojo"), "00f067aa", "copies leave it as it is");
  const members = (n: number) =>
    Array.from({ length: n }, (_, i) => `k${i}=v`).join(",");
  assert.ok(TraceState.parse(members(32)));
  const refused = [
    members(33),
    "a=1,a=2",
    "A=1",
    "a=",
    "a=b=c",
    "a",
    `a=${"x".repeat(520)}`,
    "",
    ",",
  ];
  for (const each of refused) {
    assert.equal(TraceState.parse(each), undefined, each);
  }
  const traceparent = `00-${TRACE}-${SPAN}-01`;
  assert.equal(
    parseTraceparent(traceparent, "rojo=1")?.traceState?.serialize(),
    "rojo=1",
  );
  assert.equal(
    "traceState" in parseTraceparent(traceparent, members(33))!,
    false,
    "the trace itself is as good without",
  );
});

Deno.test("baggage is text that can be decoded, of a bounded size", () => {
  assert.ok(isBaggage("userId=alice,serverNode=DF%2028,isProduction=false"));
  for (
    const each of ["", "a=%", "a=%ff", "a=ü", "a=\n", "a".repeat(8_193), 1]
  ) {
    assert.equal(isBaggage(each), false, String(each));
  }
});
