import assert from "node:assert/strict";
import { TransactionWatch } from "../../src/pool/postgres/transaction_watch.ts";

/** A server in a transaction or not, that counts how often it was asked. */
class Server {
  isOpen = false;
  asked = 0;
  readonly watch = new TransactionWatch(() => {
    this.asked++;
    return Promise.resolve(this.isOpen);
  });

  run(text: string, isOpen: boolean): Promise<void> {
    return this.watch.run(text, () => {
      this.isOpen = isOpen;
      return Promise.resolve();
    });
  }
}

Deno.test("plain statements cost no question", async () => {
  const server = new Server();
  const steps: [text: string, isOpen: boolean][] = [
    ["SELECT 1", false],
    ["BEGIN", true],
    ["SAVEPOINT s", true],
    ["SELECT start FROM meetings", true],
    ["COMMIT", false],
    ["begin isolation level serializable read only;", true],
    ["rollback work", false],
    [" START TRANSACTION", true],
    ["END TRANSACTION ; ", false],
    ["SELECT CASE WHEN true THEN 1 END", false],
  ];
  for (const [text, isOpen] of steps) {
    await server.run(text, isOpen);
    assert.equal(server.watch.isOpen, isOpen, text);
  }
  assert.equal(server.asked, 0);
});

Deno.test("what a text doesn't tell, the server is asked for", async () => {
  const server = new Server();
  const steps: [text: string, isOpen: boolean][] = [
    ["DO $$ BEGIN PERFORM 1; END $$", false],
    ["BEGIN; DO $$ BEGIN PERFORM 1; END $$", true],
    ["ROLLBACK TO s", true],
    ["SELECT CASE WHEN true THEN 1 END", true],
    ["COMMIT AND CHAIN", true],
    ["PREPARE TRANSACTION 'x'", false],
    ["-- a comment\nstart/**/transaction", true],
    ["SELECT 1; COMMIT", false],
  ];
  for (const [index, [text, isOpen]] of steps.entries()) {
    await server.run(text, isOpen);
    assert.equal(server.watch.isOpen, isOpen, text);
    assert.equal(server.asked, index + 1, text);
  }
});

Deno.test("a failed script is asked about too, and no answer counts as open", async () => {
  const server = new Server();
  const fail = () => {
    server.isOpen = true;
    return Promise.reject(new Error("refused"));
  };
  await assert.rejects(
    server.watch.run("BEGIN; SELECT 1 / 0", fail),
    /refused/,
  );
  assert.equal(server.watch.isOpen, true);

  const mute = new TransactionWatch(() => Promise.reject(new Error("gone")));
  await mute.run("SELECT 1; BEGIN", () => Promise.resolve());
  assert.equal(mute.isOpen, true);
});
