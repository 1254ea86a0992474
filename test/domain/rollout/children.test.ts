/** What every Pod of an operation has in common, whatever it is for. */
import { describe, expect, it } from "vitest";
import { job, preflightPod, rebootPod } from "../../../src/domain/rollout/children.ts";
import { DEFAULT_SETTINGS, type Settings } from "../../../src/domain/rollout/observed.ts";
import { node, operation } from "./support.ts";

interface Container {
  readonly name: string;
  readonly image: string;
  readonly resources?: unknown;
  readonly env?: ReadonlyArray<{ readonly name: string }>;
}
interface PodSpec {
  readonly nodeName: string;
  readonly tolerations: unknown;
  readonly imagePullSecrets: unknown;
  readonly containers: ReadonlyArray<Container>;
  readonly initContainers?: ReadonlyArray<Container>;
}

const podSpecs = (spec: object, settings: Partial<Settings> = {}) => {
  const parent = {
    operation: operation({
      spec: {
        preflight: { command: ["true"] },
        imagePullSecrets: [{ name: "registry" }],
        ...spec,
      },
    }),
    node: node("worker-1"),
    settings: { ...DEFAULT_SETTINGS, ...settings },
  };
  const template = (job(parent)["spec"] as { readonly template: { readonly spec: PodSpec } })
    .template;
  return {
    preflight: preflightPod(parent)!["spec"] as PodSpec,
    job: template.spec,
    reboot: rebootPod(parent)["spec"] as PodSpec,
  };
};

const containersOf = ({ initContainers = [], containers }: PodSpec) => [
  ...initContainers,
  ...containers,
];
const imagesOf = (spec: PodSpec) => containersOf(spec).map(({ image }) => image);

describe("every Pod", () => {
  it("goes to its node, tolerates everything, pulls with the user's secrets, asks for no CPU or memory", () => {
    for (const spec of Object.values(podSpecs({}))) {
      expect(spec.nodeName).toBe("worker-1");
      expect(spec.tolerations).toEqual([{ operator: "Exists" }]);
      expect(spec.imagePullSecrets).toEqual([{ name: "registry" }]);
      expect(containersOf(spec).filter(({ resources }) => resources !== undefined)).toEqual([]);
    }
  });

  it("runs the images of the settings as they are, digests included", () => {
    const specs = podSpecs(
      { image: "spec@sha256:1" },
      { operatorImage: "operator@sha256:2", sentinelImage: "sentinel@sha256:3" },
    );
    expect(imagesOf(specs.preflight)).toEqual(["spec@sha256:1"]);
    expect(imagesOf(specs.job)).toEqual(["spec@sha256:1", "sentinel@sha256:3"]);
    expect(imagesOf(specs.reboot)).toEqual(["operator@sha256:2"]);
  });

  it("without a sentinel image runs spec.image, without that the default image", () => {
    expect(imagesOf(podSpecs({ image: "spec:1" }).job)).toEqual(["spec:1", "spec:1"]);
    expect(imagesOf(podSpecs({}, { defaultImage: "default:1" }).job)).toEqual([
      "default:1",
      "default:1",
    ]);
  });

  it("that reboots is told who it is and where the sentinels are", () => {
    const env = podSpecs({}).reboot.containers[0]?.env?.map(({ name }) => name);
    expect(env).toEqual(["POD_NAME", "POD_NAMESPACE", "POD_UID", "SENTINEL_DIR"]);
  });
});
