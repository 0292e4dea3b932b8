/** The shortest span that a share is worked out over. */
const MIN_SPAN_MS = 500;

/** How busy the process is: the CPU it used between readings. */
export class CpuShare {
  #at: number;
  #cpuSeconds: number;
  #percent = 0;

  /** Begins with all that the process has used since it began. */
  constructor() {
    this.#at = 0;
    this.#cpuSeconds = 0;
  }

  /**
   * CPU since the last reading, in percent of one core. A reading that follows at
   * once says the same again, so that several readers don't spoil each other's.
   *
   * @param nowMs milliseconds since the process began
   */
  read(nowMs: number, cpuSeconds: number | null): number | null {
    if (cpuSeconds === null) return null;
    const spanMs = nowMs - this.#at;
    if (spanMs >= MIN_SPAN_MS) {
      this.#percent = (cpuSeconds - this.#cpuSeconds) / spanMs * 100_000;
      this.#at = nowMs;
      this.#cpuSeconds = cpuSeconds;
    }
    return Math.round(this.#percent * 100) / 100;
  }
}
