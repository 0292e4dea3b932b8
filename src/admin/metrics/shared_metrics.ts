import type { Clock } from "../../base/clock.ts";
import type { ExpositionFormat } from "../../observe/metrics/exposition.ts";
import type { MetricsPage, ShownMetrics } from "./metrics_route.ts";
import { SharedAnswers } from "./shared_answers.ts";

/** Metrics that cost their server the same, however many scrape them. */
export class SharedMetrics implements ShownMetrics {
  readonly #metrics: ShownMetrics;
  readonly #pages: SharedAnswers<ExpositionFormat, MetricsPage>;
  readonly #documents: SharedAnswers<"json", object>;

  constructor(metrics: ShownMetrics, clock: Clock) {
    this.#metrics = metrics;
    this.#pages = new SharedAnswers(clock);
    this.#documents = new SharedAnswers(clock);
  }

  page(format: ExpositionFormat): Promise<MetricsPage> {
    return this.#pages.get(
      format,
      async () => await this.#metrics.page(format),
    );
  }

  read(): Promise<object> {
    return this.#documents.get("json", async () => await this.#metrics.read());
  }
}
