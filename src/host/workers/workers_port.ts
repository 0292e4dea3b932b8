import {
  type AdministeredServer,
  AdminRoutes,
} from "../../admin/admin_routes.ts";
import type { ShownMetrics } from "../../admin/metrics/metrics_route.ts";
import { SharedMetrics } from "../../admin/metrics/shared_metrics.ts";
import {
  OperatorPages,
  type ShownFigures,
} from "../../admin/operator_pages.ts";
import {
  nothingForOperators,
  readOperatorRequest,
  refuseOperator,
} from "../../admin/operator_request.ts";
import type {
  OperatorAnswers,
  OperatorQuestion,
  OperatorSource,
} from "../../admin/operator_source.ts";
import { ServerSnapshot } from "../../admin/server_snapshot.ts";
import {
  AllWorkers,
  type ShownWorker,
} from "../../admin/workers/all_workers.ts";
import type { NetworkPeer } from "../../base/network_peer.ts";
import type { HttpHost } from "../http_host.ts";
import { LastingListener } from "../lasting_listener.ts";
import { listenFailure } from "../listening.ts";
import type { OperatorAddress } from "../operators/operator_messages.ts";
import type { ServerParts } from "../server_parts.ts";
import type { PackedAnswer } from "./this_worker.ts";
import type { WorkerSlot } from "./worker_slot.ts";

/** The port on which a supervisor answers operators: of all workers, or of one by name. */
export class WorkersPort implements AsyncDisposable {
  readonly #host: HttpHost;
  readonly #parts: ServerParts;
  readonly #all: AdminRoutes;
  readonly #each: ReadonlyMap<string, AdminRoutes>;
  readonly #snapshots: ServerSnapshot[] = [];
  readonly #listener: LastingListener;

  /** @throws {Deno.errors.AddrInUse} naming the address */
  constructor(
    parts: ServerParts,
    host: HttpHost,
    slots: readonly WorkerSlot[],
    { port, hostname, tls }: OperatorAddress,
  ) {
    this.#parts = parts;
    this.#host = host;
    const { facts } = host.operatorSetup;
    const known = slots.map((slot) => ({
      worker: shown(slot),
      snapshot: this.#snapshotOf(slot),
    }));
    const all = new AllWorkers(known, facts, parts.quietLog);
    const metrics = new SharedMetrics(all, all.clock);
    this.#all = this.#routesFor(all, metrics, all.figures);
    this.#each = new Map(slots.map((slot) => {
      // Latencies are told once to each who asks: here another than all.
      const one = this.#snapshotOf(slot);
      return [slot.name, this.#routesFor(one, one, one.figures)];
    }));
    host.transport.listensOn(hostname);
    this.#listener = new LastingListener({
      listen: (port) => this.#listen({ port, hostname, tls }),
      log: parts.quietLog,
      clock: parts.clock,
    }, port);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  #listen(
    { port, hostname, tls }: OperatorAddress,
  ): Deno.HttpServer<Deno.NetAddr> {
    try {
      return Deno.serve(
        { port, hostname, ...tls, onListen: () => {} },
        (request, info) => this.#answer(request, info),
      );
    } catch (error) {
      throw listenFailure(error, { hostname, port, of: "operatorPort: " });
    }
  }

  /** The workers serve: what keeps a history begins it. */
  async start(): Promise<void> {
    if (this.#host.operatorSetup.pages.dashboard) {
      await Promise.all(this.#snapshots.map((each) => each.refresh()));
    }
    await this.#all.start();
  }

  #snapshotOf(slot: WorkerSlot): ServerSnapshot {
    const snapshot = new ServerSnapshot(
      new SlotSource(slot),
      this.#host.operatorSetup.facts,
      { log: this.#parts.quietLog },
    );
    this.#snapshots.push(snapshot);
    return snapshot;
  }

  #routesFor(
    server: AdministeredServer,
    metrics: ShownMetrics,
    figures: ShownFigures,
  ): AdminRoutes {
    const { operatorSetup, authorizeOperator, transport } = this.#host;
    return new AdminRoutes({
      server,
      hosts: transport,
      metrics,
      pages: new OperatorPages(server, figures, operatorSetup.pages),
    }, authorizeOperator);
  }

  #answer(request: Request, peer: NetworkPeer): Response | Promise<Response> {
    const caller = this.#host.callerOf(request, peer);
    const url = readOperatorRequest(request, caller);
    if (url instanceof Response) return url;
    const [, name, path] = /^\/workers\/([^/]+)(\/.*)$/.exec(url.pathname) ??
      [];
    if (name === undefined) {
      return this.#all.handle(request, url, caller) ?? nothingForOperators(url);
    }
    const routes = this.#each.get(name);
    if (routes === undefined) {
      const names = [...this.#each.keys()].join(", ");
      return refuseOperator(404, `there is no worker ${name}, only ${names}`);
    }
    // Set, not resolved: of `//localhost/` the host would be another.
    const inner = new URL(url);
    inner.pathname = path;
    return routes.handle(new Request(inner, request), inner, caller) ??
      nothingForOperators(url);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const routes of [this.#all, ...this.#each.values()]) {
      await routes.close();
    }
    await this.#listener.shutdown();
  }
}

/** A worker and those that follow it, as their supervisor asks them. */
class SlotSource implements OperatorSource {
  readonly #slot: WorkerSlot;

  constructor(slot: WorkerSlot) {
    this.#slot = slot;
  }

  blockedMs(): number {
    return this.#slot.worker?.blockedMs ?? 0;
  }

  async ask<Name extends keyof OperatorAnswers>(
    name: Name,
    { format, request }: OperatorQuestion = {},
  ): Promise<OperatorAnswers[Name] | undefined> {
    const answer = await this.#slot.worker?.askIfTurning("operators", {
      name,
      format,
      request: request && {
        method: request.method,
        url: request.url,
        headers: [...request.headers],
      },
    }, request?.signal) as PackedAnswer | undefined;
    const response = answer?.response;
    const value = response
      ? new Response(Uint8Array.fromBase64(response.base64), response)
      : answer?.value;
    return value as OperatorAnswers[Name] | undefined;
  }
}

function shown(slot: WorkerSlot): ShownWorker {
  return {
    name: slot.name,
    get pid() {
      return slot.worker?.pid;
    },
    get restarts() {
      return slot.restarts;
    },
  };
}
