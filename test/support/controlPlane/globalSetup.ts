/** One control plane for all test files of a run, with the project's CRDs; test files get it by `inject("controlPlane")`. */
import { Effect, Exit, Scope } from "effect";
import type { TestProject } from "vitest/node";
import { findAssets, NO_ASSETS } from "./assets.ts";
import { type ControlPlane, startControlPlane } from "./ControlPlane.ts";
import { installCrds } from "./kubectl.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Absent where KUBEBUILDER_ASSETS is not set: tests are skipped then. */
    readonly controlPlane: ControlPlane | undefined;
  }
}

export default async (project: TestProject) => {
  const assets = findAssets();
  if (assets === undefined) {
    console.log(NO_ASSETS);
    project.provide("controlPlane", undefined);
    return;
  }
  const scope = Scope.makeUnsafe();
  let failed = false;
  const close = () =>
    Effect.runPromise(Scope.close(scope, failed ? Exit.fail("tests failed") : Exit.void));
  try {
    const {
      etcd: _e,
      apiServer: _a,
      controllerManager: _c,
      outage: _o,
      ...controlPlane
    } = await Effect.runPromise(
      Effect.tap(startControlPlane({ assets }), installCrds).pipe(Scope.provide(scope)),
    );
    console.log(
      `control plane ${controlPlane.version} in ${controlPlane.startedInMillis} ms at ${controlPlane.server}`,
    );
    project.provide("controlPlane", controlPlane);
    return async () => {
      failed = project.vitest.state.getCountOfFailedTests() > 0;
      if (failed) console.log(`logs of the control plane are kept in ${controlPlane.folder}`);
      await close();
    };
  } catch (error) {
    failed = true;
    await close();
    throw error;
  }
};
