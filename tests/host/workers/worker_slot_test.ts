import assert from "node:assert/strict";
import type { SupervisedWorker } from "../../../src/host/workers/supervised_worker.ts";
import { WorkerSlot } from "../../../src/host/workers/worker_slot.ts";
import { eventually } from "../../support/eventually.ts";

/** A worker without a process, which does what it is told to. */
class Puppet {
  readonly #listening = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<string>();
  readonly listening = this.#listening.promise;
  readonly gone = this.#gone.promise;
  asked = 0;
  /** How it ends when it is told to, if not in good order. */
  lost: string | undefined;

  listen(): void {
    this.#listening.resolve();
  }

  end(): void {
    this.#listening.reject(new Error("it ended"));
    this.#gone.resolve("it ended");
  }

  async close(): Promise<string | undefined> {
    this.asked++;
    await this.gone;
    return this.lost;
  }
}

function slotOf(puppets: Puppet[], warned: string[]): WorkerSlot {
  return new WorkerSlot({
    name: "1",
    start: () => {
      const puppet = new Puppet();
      puppet.listening.catch(() => {});
      puppets.push(puppet);
      return puppet as unknown as SupervisedWorker;
    },
    log: {
      debug() {},
      info() {},
      warning: (message) => void warned.push(message),
      error() {},
    },
    giveUp: assert.fail,
    endsWithinMs: 1_000,
  });
}

/** Lets what is due go on. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

/** A slot whose first worker listens. */
async function begun() {
  const puppets: Puppet[] = [];
  const warned: string[] = [];
  const slot = slotOf(puppets, warned);
  const first = slot.renew();
  await turn();
  puppets[0].listen();
  await first;
  return { puppets, slot, warned };
}

Deno.test("a successor that ends is followed, however long the one before it takes to go", async () => {
  const { puppets, slot } = await begun();
  let renewed = false;
  const renewing = slot.renew().then(() => renewed = true);
  await turn();
  puppets[1].listen();
  await turn();
  assert.equal(puppets[0].asked, 1);
  puppets[1].end();
  await eventually(() => puppets.length === 3);
  puppets[2].listen();
  await turn();
  assert.equal(slot.worker as unknown, puppets[2]);
  assert.equal(slot.restarts, 1);
  // It is replaced once the one before is gone.
  assert.equal(renewed, false);
  puppets[0].end();
  await renewing;
  const closing = slot.close();
  puppets[2].end();
  await closing;
});

Deno.test("one that was being started before is replaced too, unless all ends", async () => {
  const { puppets, slot } = await begun();
  puppets[0].end();
  await eventually(() => puppets.length === 2);
  const renewing = slot.renew();
  puppets[1].listen();
  await eventually(() => puppets.length === 3);
  puppets[2].listen();
  await turn();
  puppets[1].end();
  await renewing;
  assert.equal(slot.worker as unknown, puppets[2]);

  puppets[2].end();
  await eventually(() => puppets.length === 4);
  const late = slot.renew();
  const closing = slot.close();
  puppets[3].end();
  await Promise.all([late, closing]);
  assert.equal(puppets.length, 4);
});

Deno.test("the log names each worker that ends otherwise than in good order, once", async () => {
  const { puppets, slot, warned } = await begun();
  const renewing = slot.renew();
  await turn();
  puppets[1].listen();
  await turn();
  const closing = slot.close();
  for (const puppet of puppets) {
    puppet.lost = "it did not end in time";
    puppet.end();
  }
  await Promise.all([renewing, closing]);
  const line = "worker 1 did not end in good order: it did not end in time";
  assert.deepEqual(warned, [line, line]);
});
