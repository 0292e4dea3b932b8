/** How long to wait before the first attempt to connect again, and at most. */
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 10_000;

/** Figures older than so many intervals are stale. */
const STALE_INTERVALS = 4;

/**
 * The stream of events. It connects again when it is lost, is closed while the
 * page is hidden, and says how it stands: `live`, `lost` or `stale`.
 */
export class Connection {
  #url;
  #on;
  #source;
  #retry;
  #retryMs = FIRST_RETRY_MS;
  #intervalMs = 1_000;
  #heardAt = performance.now();

  /** @param on what to call: `history`, `sample` and `state` */
  constructor(url, on) {
    this.#url = url;
    this.#on = on;
    document.addEventListener("visibilitychange", () => this.#follow());
    setInterval(() => this.#checkAge(), 1_000);
    this.#follow();
  }

  #follow() {
    this.#close();
    if (document.visibilityState === "visible") this.#open();
  }

  #open() {
    this.#heardAt = performance.now();
    const source = this.#source = new EventSource(this.#url);
    source.addEventListener("history", ({ data }) => {
      const history = JSON.parse(data);
      this.#intervalMs = history.intervalMs;
      this.#heard();
      this.#on.history(history);
    });
    source.addEventListener("sample", ({ data }) => {
      this.#heard();
      this.#on.sample(JSON.parse(data));
    });
    source.addEventListener("error", () => this.#lost());
  }

  #close() {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = undefined;
  }

  #heard() {
    this.#retryMs = FIRST_RETRY_MS;
    this.#heardAt = performance.now();
    this.#on.state("live");
  }

  /** A browser gives up after a refusal, so the attempts are made here. */
  #lost() {
    this.#close();
    this.#on.state("lost");
    this.#retry = setTimeout(() => this.#open(), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
  }

  #checkAge() {
    if (this.#source === undefined) return;
    const age = performance.now() - this.#heardAt;
    if (age > STALE_INTERVALS * this.#intervalMs) this.#on.state("stale", age);
  }
}
