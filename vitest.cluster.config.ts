// Tests on a real control plane (KUBEBUILDER_ASSETS): one for all files, each test in namespaces of its own.
import { defineConfig } from "vitest/config";
import { closingLine } from "./test/support/closingLine.ts";
export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    isolate: false,
    include: ["test/**/*.cluster.test.ts"],
    globalSetup: ["test/support/controlPlane/globalSetup.ts"],
    // Controllers and programs wait in real time.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ["default", closingLine],
  },
});
