/** What is wrong with a choice of an installation, in sentences. */
import { Result } from "effect";
import { parseCeiling } from "../ceiling/limit.ts";
import { isDnsLabel, isDnsSubdomain } from "../kube/dns.ts";
import type { Installation } from "./installation.ts";

const HOST = String.raw`(?:[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?`;
const PART = String.raw`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`;
const TAG = String.raw`[A-Za-z0-9_][-.A-Za-z0-9_]{0,127}`;
const DIGEST = "sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}";
/** The grammar of the distribution project (reference/regexp.go), with the digests that registries give. */
const IMAGE = new RegExp(`^(?:${HOST}/)?${PART}(?:/${PART})*(?::${TAG})?(?:@(?:${DIGEST}))?$`, "u");

const namespaceProblem = (flag: string, name: string | undefined): ReadonlyArray<string> =>
  name === undefined || isDnsLabel(name)
    ? []
    : [
        `${flag}: "${name}" is no name of a namespace: at most 63 lower case letters, digits and dashes`,
      ];

const imageProblem = (flag: string, image: string | undefined): ReadonlyArray<string> =>
  image === undefined || IMAGE.test(image)
    ? []
    : [
        `${flag}: "${image}" is no image; write it as registry/name:tag or registry/name@sha256:digest`,
      ];

const secretProblem = (name: string): ReadonlyArray<string> =>
  isDnsSubdomain(name)
    ? []
    : [`--pull-secret: "${name}" is no name of a Secret: lower case letters, digits, dashes, dots`];

const replicasProblem = (replicas: number): ReadonlyArray<string> =>
  Number.isInteger(replicas) && replicas >= 1 && replicas <= 100
    ? []
    : [`--replicas: must be from 1 to 100, is ${replicas}`];

const ceilingProblem = (text: string | undefined): ReadonlyArray<string> =>
  text === undefined
    ? []
    : Result.match(parseCeiling(text), {
        onFailure: (why) => [`--max-unavailable: ${why}, is ${JSON.stringify(text)}`],
        onSuccess: () => [],
      });

/** Everything that is wrong with a choice, a sentence each, by the flag that chose it; empty when it can be installed. */
export const installationProblems = (installation: Installation): ReadonlyArray<string> => [
  ...namespaceProblem("--namespace", installation.namespace),
  ...imageProblem("--image", installation.image),
  ...replicasProblem(installation.replicas),
  ...installation.pullSecrets.flatMap(secretProblem),
  ...namespaceProblem("--watch-namespace", installation.watchNamespace),
  ...imageProblem("--sentinel-image", installation.sentinelImage),
  ...imageProblem("--default-image", installation.defaultImage),
  ...ceilingProblem(installation.maxUnavailable),
];
