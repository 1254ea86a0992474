import { describe as suite, expect, it } from "@effect/vitest";
import { describe } from "../../../src/domain/labeler/describe.ts";
import { label, type LabelledNode } from "../../../src/domain/labeler/label.ts";
import { host, OPENSUSE } from "../../support/hosts.ts";

type Strings = Readonly<Record<string, string>>;

const description = describe(host({ kairosRelease: OPENSUSE }))!;

const node = (labels?: Strings, annotations?: Strings): LabelledNode => ({
  metadata: {
    name: "worker-1",
    uid: "u1",
    resourceVersion: "7",
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
  },
});

/** Of the patch what it changes. */
const changes = (of: LabelledNode, wanted = description): unknown => {
  const labelling = label(of, wanted);
  return labelling._tag === "Patch" ? labelling.patch : labelling._tag;
};

const version = { uid: "u1", resourceVersion: "7" };

suite("the patch of a Node", () => {
  it("sets everything on a new Node, for the version that was read", () => {
    expect(changes(node())).toEqual({ metadata: { ...version, ...description } });
  });

  it("is none where nothing has changed", () => {
    const labels = { ...description.labels, "kubernetes.io/hostname": "worker-1" };
    expect(changes(node(labels, description.annotations))).toBe("UpToDate");
  });

  it("sets only what drifted", () => {
    const labels = { ...description.labels, "kairos.io/model": "rpi4" };
    expect(changes(node(labels, description.annotations))).toEqual({
      metadata: { ...version, labels: { "kairos.io/model": "generic" } },
    });
  });

  it("removes keys of ours that no longer apply", () => {
    const before = node(description.labels, description.annotations);
    const kairosRelease = OPENSUSE.replace(/^KAIROS_(?:MODEL|INIT_VERSION)=.*$/gmu, "");
    expect(changes(before, describe(host({ kairosRelease })))).toEqual({
      metadata: {
        ...version,
        labels: { "kairos.io/model": null },
        annotations: { "kairos.io/init-version": null },
      },
    });
  });

  it("leaves kairos.io keys alone that are not ours, labels among annotations and annotations among labels too", () => {
    const foreign = {
      "kairos.io/rack": "12",
      "kairos.io/nodeop": "mine",
      "operator.kairos.io/held-by": "default/op@u",
    };
    const labels = { ...description.labels, ...foreign, "kairos.io/home-url": "x" };
    const annotations = { ...description.annotations, ...foreign, "kairos.io/model": "x" };
    expect(changes(node(labels, annotations))).toBe("UpToDate");
  });
});

suite("a Node that is labelled kairos.io/managed=false", () => {
  it("is left alone, whatever else is on it", () => {
    expect(changes(node({ "kairos.io/managed": "false" }))).toBe("OptedOut");
    const labels = { ...description.labels, "kairos.io/managed": "false", "kairos.io/model": "x" };
    expect(changes(node(labels))).toBe("OptedOut");
  });

  it.each(["true", "no", ""])("is not one that is labelled %j", (managed) => {
    expect(label(node({ "kairos.io/managed": managed }), description)._tag).toBe("Patch");
  });
});
