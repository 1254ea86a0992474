/** Kubeconfig files, as kubectl, the controller manager and the live layer read them. */
import { writeFileSync } from "node:fs";

export interface Credentials {
  readonly server: string;
  /** The file with the certificate of the authority that signed the server's. */
  readonly caFile: string;
  readonly token: string;
  readonly user: string;
  readonly namespace?: string | undefined;
}

/** Writes a kubeconfig with one context. It is JSON, which is YAML too. */
export const writeKubeconfig = (file: string, credentials: Credentials): string => {
  const { server, caFile, token, user, namespace } = credentials;
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server, "certificate-authority": caFile } }],
    users: [{ name: user, user: { token } }],
    contexts: [
      {
        name: "test",
        context: { cluster: "test", user, ...(namespace === undefined ? {} : { namespace }) },
      },
    ],
    "current-context": "test",
  };
  writeFileSync(file, JSON.stringify(config, null, 2), { mode: 0o600 });
  return file;
};
