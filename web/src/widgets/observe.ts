import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { ContinuumClient } from "../client/index.js";

/** Redraws its host whenever the host's `client` says that something changed. */
export class ClientObserver implements ReactiveController {
  private observed: ContinuumClient | null = null;
  private stop: (() => void) | null = null;

  constructor(private readonly host: ReactiveControllerHost & { client: ContinuumClient | null }) {
    host.addController(this);
  }

  hostUpdate(): void {
    if (this.host.client === this.observed) return;
    this.hostDisconnected();
    this.observed = this.host.client;
    this.stop = this.observed?.on("change", () => this.host.requestUpdate()) ?? null;
  }

  hostConnected(): void {
    this.host.requestUpdate();
  }

  hostDisconnected(): void {
    this.stop?.();
    this.stop = null;
    this.observed = null;
  }
}
