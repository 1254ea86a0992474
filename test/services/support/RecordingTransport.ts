/** A transport that answers with what the test says and remembers what it was asked. */
import { Effect, Layer, Stream } from "effect";
import { kubeApiLayer } from "../../../src/services/kubeApiLayer.ts";
import type { KubeApi } from "../../../src/services/KubeApi.ts";
import type { KubeError } from "../../../src/services/KubeError.ts";
import {
  type KubeRequest,
  KubeTransport,
  type WatchFrame,
  type WatchRequest,
} from "../../../src/services/KubeTransport.ts";

export interface Recording {
  readonly requests: Array<KubeRequest>;
  readonly watches: Array<WatchRequest>;
  readonly layer: Layer.Layer<KubeApi>;
}

/** `answer` is called for every request, in order, with its index. */
export const recording = (options: {
  readonly answer?: (request: KubeRequest, index: number) => Effect.Effect<unknown, KubeError>;
  readonly frames?: Stream.Stream<WatchFrame, KubeError>;
}): Recording => {
  const requests: Array<KubeRequest> = [];
  const watches: Array<WatchRequest> = [];
  const transport: KubeTransport["Service"] = {
    request: (request) =>
      Effect.suspend(() => {
        requests.push(request);
        return options.answer?.(request, requests.length - 1) ?? Effect.die("no request expected");
      }),
    watch: (request) =>
      Stream.suspend(() => {
        watches.push(request);
        return options.frames ?? Stream.empty;
      }),
  };
  return {
    requests,
    watches,
    layer: Layer.provide(kubeApiLayer, Layer.succeed(KubeTransport, transport)),
  };
};
