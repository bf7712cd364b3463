import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { ContinuumClient, Device } from "../client/index.js";
import { ClientObserver } from "./observe.js";
import { theme } from "./theme.js";

export type DeviceChoice = { readonly kind: "microphone" | "camera" | "speaker"; readonly id: string };

/** Which microphone, camera and loudspeaker are used; a change takes effect at once, in the middle of a word. */
@customElement("continuum-devices")
export class DevicePanel extends LitElement {
  @property({ attribute: false }) client: ContinuumClient | null = null;
  @property() speaker = "";

  constructor() {
    super();
    new ClientObserver(this);
  }

  override render() {
    const client = this.client;
    if (!client) return nothing;
    const { microphones, cameras, speakers } = client.devices;
    const canChooseSpeaker = "setSinkId" in HTMLMediaElement.prototype && speakers.length > 0;
    return html`
      <h2>Devices</h2>
      ${this.choice("microphone", "Microphone", microphones, client.microphone?.getSettings().deviceId)}
      ${this.choice("camera", "Camera", cameras, client.camera?.getSettings().deviceId)}
      ${canChooseSpeaker ? this.choice("speaker", "Speaker", speakers, this.speaker || "default") : nothing}
    `;
  }

  private choice(
    kind: DeviceChoice["kind"],
    label: string,
    devices: readonly Device[],
    chosen: string | undefined,
  ) {
    const known = devices.some((device) => device.id === chosen);
    return html`<label>
      <span>${label}</span>
      <select
        class="field"
        data-testid="device-${kind}"
        ?disabled=${devices.length === 0}
        @change=${(event: Event) => this.choose(kind, event)}
      >
        ${known ? nothing : html`<option value="" selected>${devices.length === 0 ? "None found" : "Not in use"}</option>`}
        ${devices.map(
          (device) =>
            html`<option value=${device.id} ?selected=${device.id === chosen}>${device.label}</option>`,
        )}
      </select>
    </label>`;
  }

  private choose(kind: DeviceChoice["kind"], event: Event): void {
    const { value } = event.target as HTMLSelectElement;
    if (value === "") return;
    this.dispatchEvent(new CustomEvent<DeviceChoice>("choose", { detail: { kind, id: value } }));
  }

  static override styles = [
    theme,
    css`
      :host {
        display: grid;
        gap: 0.75rem;
        padding: 1.1rem;
        border-radius: var(--_radius);
        background: var(--_surface);
        box-shadow:
          inset 0 0 0 1px var(--_line),
          0 12px 32px rgb(0 0 0 / 0.16);
      }
      h2 {
        font-size: 1rem;
      }
      label {
        display: grid;
        gap: 0.25rem;
      }
      label span {
        font-size: 0.8125rem;
        color: var(--_quiet);
      }
      select {
        text-overflow: ellipsis;
      }
    `,
  ];
}
