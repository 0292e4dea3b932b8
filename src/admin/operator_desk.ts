import type { AdministeredServer } from "./admin_routes.ts";
import type { ServerMetrics } from "./metrics/server_metrics.ts";
import type { AuthorizeOperator } from "./operator_gate.ts";
import type { OperatorPages } from "./operator_pages.ts";
import type { OperatorAnswers, OperatorQuestion } from "./operator_source.ts";

/** The parts of a server that its operators' pages ask about. */
export interface OperatorDeskParts {
  readonly server: AdministeredServer;
  readonly metrics: ServerMetrics;
  readonly pages: Pick<OperatorPages, "handle">;
  readonly authorize: AuthorizeOperator | undefined;
}

type Answerer<Name extends keyof OperatorAnswers> = (
  about: OperatorQuestion,
) => OperatorAnswers[Name] | Promise<OperatorAnswers[Name]>;

/** Answers, where the server is, what operators' pages elsewhere ask. */
export class OperatorDesk {
  readonly #answerers: {
    readonly [Name in keyof OperatorAnswers]: Answerer<Name>;
  };

  constructor({ server, metrics, pages, authorize }: OperatorDeskParts) {
    this.#answerers = {
      readiness: () => server.readiness.probe(),
      health: () => server.health.run(),
      metricsText: ({ format }) => metrics.page(format!).text,
      metricsDocument: () => metrics.read(),
      dashboard: () => ({
        metrics: metrics.read(),
        latency: metrics.recentLatency(),
        trouble: server.trouble.list(),
      }),
      authorize: async ({ request, address }) => {
        const verdict = await authorize!(request!, address);
        return verdict instanceof Response ? verdict : verdict === true;
      },
      profile: ({ request }) =>
        pages.handle(request!, new URL(request!.url).pathname),
    };
  }

  /** Answers a question; rejects with what a part throws. */
  async answer(
    name: keyof OperatorAnswers,
    about: OperatorQuestion,
  ): Promise<unknown> {
    return await this.#answerers[name](about);
  }
}
