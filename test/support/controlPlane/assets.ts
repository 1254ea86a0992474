/** Where the binaries of the real control plane are: what envtest calls its assets. */
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const BINARIES = ["etcd", "kube-apiserver", "kube-controller-manager"] as const;

/** The sentence that says why nothing runs on a real control plane. */
export const NO_ASSETS =
  "KUBEBUILDER_ASSETS is not set: tests on a real control plane are skipped. Set it to the folder that ../shared/testcluster/build prints, or to one of setup-envtest.";

export interface Assets {
  readonly path: (binary: (typeof BINARIES)[number] | "kube-scheduler") => string;
}

/** The binaries; undefined where KUBEBUILDER_ASSETS is not set. Throws where it is set and something is missing. */
export const findAssets = (): Assets | undefined => {
  const folder = process.env["KUBEBUILDER_ASSETS"];
  if (folder === undefined || folder === "") return undefined;
  const path = (binary: string) => join(folder, binary);
  for (const binary of BINARIES) {
    try {
      accessSync(path(binary), constants.X_OK);
    } catch {
      throw new Error(`KUBEBUILDER_ASSETS is ${folder}, but there is no program ${binary} in it`);
    }
  }
  return { path };
};
