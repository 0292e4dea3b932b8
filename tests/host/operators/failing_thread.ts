/** A thread that listens, and fails when somebody asks. */
import { parentPort, workerData } from "node:worker_threads";

const { port, hostname } = workerData.sluiceOperators;
const server = Deno.serve({ port, hostname, onListen: () => {} }, () => {
  setTimeout(() => {
    throw new Error("out of luck");
  });
  return new Response("once");
});
parentPort!.postMessage({ listening: server.addr.port });
