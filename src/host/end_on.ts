/** Signals that end a program, unless it says otherwise. */
const ENDING: readonly Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Calls `end` on a signal of either kind, once, in a moment if one has aborted
 * already. After that nobody listens: a second signal ends the process itself.
 *
 * @param ending the signals, where one has another meaning
 * @returns how to stop listening
 */
export function endOn(
  signals: boolean,
  signal: AbortSignal | undefined,
  end: () => void,
  ending: readonly Deno.Signal[] = ENDING,
): () => void {
  const names = signals ? ending : [];
  const release = () => {
    for (const name of names) Deno.removeSignalListener(name, onSignal);
    signal?.removeEventListener("abort", onSignal);
  };
  const onSignal = () => {
    release();
    end();
  };
  for (const name of names) Deno.addSignalListener(name, onSignal);
  signal?.addEventListener("abort", onSignal);
  if (signal?.aborted) queueMicrotask(onSignal);
  return release;
}
