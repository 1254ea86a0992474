/** The HTTP servers of the operator: probes for the kubelet, numbers for Prometheus. */
import { createServer } from "node:http";
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer";
import { Effect, Layer, Metric } from "effect";
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http";
import { PrometheusMetrics } from "effect/observability";
import { CannotStart } from "../CannotStart.ts";
import type { Address } from "./options.ts";

/** How long requests that are being answered may keep the process from ending. */
const SHUTDOWN_TIMEOUT = "500 millis";

/** The Prometheus text format, version 0.0.4. */
const PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

/** `/healthz`: the process runs. `/readyz`: nothing stands in its way; what does is in the answer. */
export const healthRoutes = (obstacles: () => ReadonlyArray<string>) =>
  HttpRouter.use((router) =>
    Effect.all(
      [
        router.add("GET", "/healthz", HttpServerResponse.text("ok\n")),
        router.add(
          "GET",
          "/readyz",
          Effect.sync(() => {
            const reasons = obstacles();
            return reasons.length === 0
              ? HttpServerResponse.text("ok\n")
              : HttpServerResponse.text(`${reasons.join("\n")}\n`, { status: 503 });
          }),
        ),
      ],
      { discard: true },
    ),
  );

/** `/metrics`, of the registry of whoever calls this; `refresh` brings gauges up to date before they are shown. */
export const metricsRoutes = (refresh: Effect.Effect<void>) =>
  HttpRouter.use((router) =>
    Effect.flatMap(Metric.MetricRegistry, (registry) =>
      router.add(
        "GET",
        "/metrics",
        Effect.andThen(refresh, PrometheusMetrics.format()).pipe(
          Effect.map((text) => HttpServerResponse.text(text, { contentType: PROMETHEUS })),
          Effect.provideService(Metric.MetricRegistry, registry),
        ),
      ),
    ),
  );

const listening = (name: string) =>
  Layer.effectDiscard(
    HttpServer.addressFormattedWith((address) =>
      Effect.annotateLogs(Effect.logInfo("serving"), { server: name, address }),
    ),
  );

/** Serves routes for ever. Fails when the address cannot be listened on. */
export const serve = (
  name: string,
  { host, port }: Address,
  routes: Layer.Layer<never, never, HttpRouter.HttpRouter>,
): Effect.Effect<never, CannotStart> => {
  const server = NodeHttpServer.layer(createServer, {
    port,
    host,
    gracefulShutdownTimeout: SHUTDOWN_TIMEOUT,
  });
  const app = HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true });
  return Layer.launch(Layer.provide(Layer.merge(app, listening(name)), server)).pipe(
    Effect.catchTag("ServeError", (error) => {
      const cause = error.cause instanceof Error ? error.cause.message : String(error.cause);
      return Effect.fail(
        new CannotStart({
          problems: [
            `--${name}-address: ${host ?? ""}:${port} cannot be listened on: ${cause}; choose another one, or 0 for none`,
          ],
        }),
      );
    }),
  );
};
