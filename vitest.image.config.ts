/** `npm run test:image`: builds the image and runs it. Apart from `npm test`, because it needs podman or docker. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/image/**/*.check.ts"],
    globalSetup: ["test/image/buildImage.ts"],
    testTimeout: 60_000,
  },
});
