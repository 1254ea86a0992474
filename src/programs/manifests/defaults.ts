/** The installation that is made when nothing is chosen, and that is checked in below deploy. */
import { DEFAULT_NAMESPACE, type Installation } from "../../domain/manifests/installation.ts";
import { VERSION } from "../version.ts";

/** The image of this version. It carries a tag of its own, so that nodes do not ask a registry for it again and again. */
export const DEFAULT_IMAGE = `quay.io/kairos/nodeop:v${VERSION}`;

/** Every choice as it is when it is not made. */
export const DEFAULT_INSTALLATION: Installation = {
  namespace: DEFAULT_NAMESPACE,
  image: DEFAULT_IMAGE,
  replicas: 1,
  pullSecrets: [],
  labeler: true,
  watchNamespace: undefined,
  sentinelImage: undefined,
  defaultImage: undefined,
  maxUnavailable: undefined,
};
