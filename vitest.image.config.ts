/**
 * `npm run test:image`: builds the image and runs it, against a real control plane where there is one (KUBEBUILDER_ASSETS).
 * Apart from `npm test`, because it needs podman or docker.
 */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/image/**/*.check.ts"],
    globalSetup: ["test/image/buildImage.ts", "test/support/controlPlane/globalSetup.ts"],
    // They measure, and the operator would look after what the others make.
    fileParallelism: false,
    testTimeout: 60_000,
  },
});
