/** `nodeop manifests`: prints what an installation needs, ready for `kubectl apply -f -`. It asks no cluster. */
import { Console, Effect, Option } from "effect";
import { Command, Flag } from "effect/cli";
import { crds } from "../../domain/api/crd.ts";
import { installationProblems } from "../../domain/manifests/installationProblems.ts";
import { manifests } from "../../domain/manifests/manifests.ts";
import { BadInput } from "../simulate/BadInput.ts";
import { DEFAULT_INSTALLATION } from "./defaults.ts";
import { toYaml } from "./toYaml.ts";

const optional = (flag: Flag.Flag<string>) => Flag.map(Flag.optional(flag), Option.getOrUndefined);

const flags = {
  namespace: Flag.String("namespace").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription(
      `The namespace to install into. Default: ${DEFAULT_INSTALLATION.namespace}.`,
    ),
    Flag.withDefault(DEFAULT_INSTALLATION.namespace),
  ),
  image: Flag.String("image").pipe(
    Flag.withMetavar("IMAGE"),
    Flag.withDescription(
      `The image of nodeop, by tag or digest. Default: ${DEFAULT_INSTALLATION.image}.`,
    ),
    Flag.withDefault(DEFAULT_INSTALLATION.image),
  ),
  replicas: Flag.Int("replicas").pipe(
    Flag.withDescription("Operators; one leads, the others stand by. Default: 1."),
    Flag.withDefault(DEFAULT_INSTALLATION.replicas),
  ),
  pullSecrets: Flag.String("pull-secret").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription(
      "A Secret of the namespace to pull the image with. May be given several times.",
    ),
    Flag.between(0, 1000),
  ),
  labeler: Flag.Boolean("labeler").pipe(
    Flag.withDescription("Whether to install the node labeler. Default: yes."),
    Flag.withDefault(DEFAULT_INSTALLATION.labeler),
  ),
  watchNamespace: optional(
    Flag.String("watch-namespace").pipe(
      Flag.withMetavar("NAME"),
      Flag.withDescription(
        "Work on the operations of this namespace only, and ask for permissions there only. Default: all.",
      ),
    ),
  ),
  sentinelImage: optional(
    Flag.String("sentinel-image").pipe(
      Flag.withMetavar("IMAGE"),
      Flag.withDescription(
        "Image of the container that writes the sentinel. Default: each operation's own.",
      ),
    ),
  ),
  defaultImage: optional(
    Flag.String("default-image").pipe(
      Flag.withMetavar("IMAGE"),
      Flag.withDescription("Image of a NodeOp that names none. Default: the operator's default."),
    ),
  ),
  maxUnavailable: optional(
    Flag.String("max-unavailable").pipe(
      Flag.withMetavar("NODES"),
      Flag.withDescription(
        "Start no node when more than this many, such as 3 or 10%, would be in flight or unavailable. Default: no limit.",
      ),
    ),
  ),
  crdsOnly: Flag.Boolean("crds-only").pipe(
    Flag.withDescription("Print the CustomResourceDefinitions and nothing else."),
    Flag.withDefault(false),
  ),
};

/** The command. A choice that makes no sense is answered with a sentence for each, and exit code 1. */
export const manifestsCommand = Command.make(
  "manifests",
  flags,
  Effect.fnUntraced(function* ({ crdsOnly, ...installation }) {
    const problems = installationProblems(installation);
    if (problems.length > 0) return yield* new BadInput({ problems });
    yield* Console.log(toYaml(crdsOnly ? crds() : manifests(installation)).trimEnd());
  }),
).pipe(
  Command.withDescription(
    "Prints what an installation needs, as YAML for kubectl apply -f -. Asks no cluster.",
  ),
  Command.withExamples([
    {
      command: "nodeop manifests --image registry.example/nodeop:v1 | kubectl apply -f -",
      description: "Install from a registry of your own",
    },
    {
      command: "nodeop manifests --watch-namespace upgrades",
      description: "An operator that may do something in one namespace only",
    },
  ]),
);
