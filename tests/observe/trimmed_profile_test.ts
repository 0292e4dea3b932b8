import assert from "node:assert/strict";
import fc from "fast-check";
import type { CpuProfileJson } from "../../src/observe/profile/cpu_profile.ts";
import { trimmedProfile } from "../../src/observe/profile/profile_cut.ts";

const START_US = 1_000_000;

/** When each sample was taken, with the node that it found. */
function momentsOf(json: CpuProfileJson): [number, number][] {
  let at = json.startTime;
  return json.samples.map((id, index) => [at += json.timeDeltas[index], id]);
}

Deno.test("a trimmed profile has the samples of its time, each where it was", () => {
  const samples = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 3 }), fc.nat({ max: 500 })),
    { maxLength: 40 },
  );
  fc.assert(fc.property(samples, fc.nat({ max: 20_000 }), (taken, keptUs) => {
    const spanUs = taken.reduce((sum, [, delta]) => sum + delta, 0);
    const whole: CpuProfileJson = {
      nodes: [1, 2, 3].map((id) => ({
        id,
        callFrame: {
          functionName: `f${id}`,
          scriptId: "1",
          url: "",
          lineNumber: id,
          columnNumber: 0,
        },
        positionTicks: [],
      })),
      startTime: START_US,
      endTime: START_US + spanUs + 100,
      samples: taken.map(([id]) => id),
      timeDeltas: taken.map(([, delta]) => delta),
    };
    const trimmed = trimmedProfile(whole, keptUs);
    assert.deepEqual(
      momentsOf(trimmed),
      momentsOf(whole).filter(([at]) => at >= trimmed.startTime),
    );
    assert.equal(trimmed.timeDeltas.length, trimmed.samples.length);
    assert.ok(
      trimmed.endTime - trimmed.startTime <= keptUs ||
        trimmed.startTime === START_US,
    );
    for (const { id, hitCount } of trimmed.nodes) {
      const hits = trimmed.samples.filter((each) => each === id).length;
      assert.equal(hitCount, hits);
    }
  }));
});

Deno.test("the last samples are left out that show the profile's end, and no more", () => {
  const node = (id: number, functionName: string, children: number[]) => ({
    id,
    callFrame: {
      functionName,
      scriptId: "1",
      url: "",
      lineNumber: id,
      columnNumber: 0,
    },
    children,
    hitCount: 0,
  });
  const whole: CpuProfileJson = {
    nodes: [
      node(1, "root", [2, 3]),
      node(2, "work", []),
      node(3, "stop", [4]),
      node(4, "post", []),
    ],
    startTime: 0,
    endTime: 100,
    samples: [3, 2, 2, 3, 4],
    timeDeltas: [10, 10, 10, 10, 10],
  };
  const isEnd = ({ functionName }: { functionName: string }) =>
    functionName === "stop";
  assert.deepEqual(trimmedProfile(whole, 1_000, isEnd).samples, [3, 2, 2]);
  assert.deepEqual(trimmedProfile(whole, 1_000).samples, whole.samples);
});
