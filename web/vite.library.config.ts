import { defineConfig } from "vite";

/** One self-contained module that registers the elements: dist/continuum.js. */
export default defineConfig({
  publicDir: false,
  build: {
    target: "es2022",
    emptyOutDir: false,
    lib: { entry: "src/widgets/index.ts", formats: ["es"], fileName: () => "continuum.js" },
  },
});
