import { defineConfig, type Plugin } from "vite";

/** The server answers /r/NAME and /operator with pages; so does the development server. */
const pagePaths: Plugin = {
  name: "page-paths",
  configureServer(server) {
    server.middlewares.use((request, _response, next) => {
      if (request.url?.startsWith("/r/")) request.url = "/";
      if (request.url === "/operator") request.url = "/operator.html";
      next();
    });
  },
};

const backend = process.env.CONTINUUM_SERVER ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [pagePaths],
  // Nothing may be inlined into the markup: the page is served with `default-src 'self'`.
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: ["index.html", "operator.html"] },
  },
  server: { proxy: { "/api": backend, "/ws": { target: backend, ws: true } } },
});
