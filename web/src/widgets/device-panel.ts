import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { ContinuumClient, Device } from "../client/index.js";
import { ClientObserver } from "./observe.js";
import "./shared-voices.js";
import { theme } from "./theme.js";

export type DeviceChoice = { readonly kind: "microphone" | "camera" | "speaker"; readonly id: string };

/**
 * Which microphone, camera and loudspeaker are used, and whether noise is taken out of what one says; a change takes
 * effect at once, in the middle of a word. Fires `choose` and `suppress`.
 */
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
      <div class="switch">
        <input
          id="suppress"
          type="checkbox"
          role="switch"
          data-testid="noise-suppression"
          aria-describedby="suppression"
          .checked=${client.noiseSuppression}
          @change=${(event: Event) => this.suppress(event)}
        />
        <label for="suppress">Noise suppression</label>
        <small id="suppression">Takes steady noise out of your sound. Off, music stays as it is.</small>
      </div>
      <div class="switch">
        <input
          id="share"
          type="checkbox"
          role="switch"
          data-testid="shared-microphone"
          aria-describedby="sharing"
          .checked=${client.sharedMicrophone}
          @change=${(event: Event) => client.shareMicrophone((event.target as HTMLInputElement).checked)}
        />
        <label for="share">Several people share this microphone</label>
        <small id="sharing"
          >Their voices are told apart on the server. Only who says their own name is known next time.</small
        >
      </div>
      <continuum-shared-voices .client=${client}></continuum-shared-voices>
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

  private suppress(event: Event): void {
    const { checked } = event.target as HTMLInputElement;
    this.dispatchEvent(new CustomEvent<boolean>("suppress", { detail: checked }));
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
      label span,
      small {
        font-size: 0.8125rem;
        color: var(--_quiet);
      }
      .switch {
        display: grid;
        grid-template-columns: auto 1fr;
        column-gap: 0.6rem;
        align-items: center;
      }
      .switch label {
        cursor: pointer;
      }
      .switch input {
        inline-size: 1.15rem;
        block-size: 1.15rem;
        margin: 0;
        accent-color: var(--_accent);
        cursor: pointer;
      }
      small {
        grid-column: 2;
      }
      select {
        text-overflow: ellipsis;
      }
    `,
  ];
}
