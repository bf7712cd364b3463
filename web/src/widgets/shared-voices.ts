import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { cleanName, MAX_NAME_LENGTH, type ContinuumClient } from "../client/index.js";
import { ClientObserver } from "./observe.js";
import { theme } from "./theme.js";

/** Whose voices have been told apart at our shared microphone: to be named, corrected and forgotten. */
@customElement("continuum-shared-voices")
export class SharedVoices extends LitElement {
  @property({ attribute: false }) client: ContinuumClient | null = null;
  @state() private forgotten: ReadonlySet<string> = new Set();

  constructor() {
    super();
    new ClientObserver(this);
  }

  /** What each voice was called last, by its id, in the order in which they were first heard. */
  private voices(client: ContinuumClient): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const { from, voice, name } of client.room.captions)
      if (from === client.room.you && voice && !this.forgotten.has(voice)) found.set(voice, name);
    return found;
  }

  override render() {
    const client = this.client;
    if (!client?.sharedMicrophone) return nothing;
    const voices = this.voices(client);
    if (voices.size === 0) return html`<p>Nobody has been told apart yet.</p>`;
    return html`<ul aria-label="Voices at this microphone">
      ${repeat(
        voices,
        ([voice]) => voice,
        ([voice, label]) =>
          html`<li>
            <form @submit=${(event: SubmitEvent) => this.rename(event, client, voice)}>
              <input
                class="field"
                name="name"
                data-testid="voice-name"
                aria-label="Name of ${label}"
                maxlength=${MAX_NAME_LENGTH}
                autocomplete="off"
                .value=${label}
              />
              <button>Name</button>
              <button type="button" aria-label="Forget ${label}" @click=${() => this.forget(client, voice)}>
                Forget
              </button>
            </form>
          </li>`,
      )}
    </ul>`;
  }

  private rename(event: SubmitEvent, client: ContinuumClient, voice: string): void {
    event.preventDefault();
    const field = (event.target as HTMLFormElement).elements.namedItem("name") as HTMLInputElement;
    const name = cleanName(field.value);
    if (name !== "") client.nameVoice(voice, name);
  }

  private forget(client: ContinuumClient, voice: string): void {
    client.nameVoice(voice, null);
    this.forgotten = new Set(this.forgotten).add(voice);
  }

  static override styles = [
    theme,
    css`
      :host {
        display: block;
        font-size: 0.875rem;
      }
      p {
        color: var(--_quiet);
      }
      ul {
        display: grid;
        gap: 0.4rem;
      }
      form {
        display: flex;
        gap: 0.4rem;
      }
      .field {
        min-inline-size: 0;
        flex: 1;
        padding: 0.35rem 0.6rem;
      }
      button {
        flex: none;
        border: 1px solid var(--_edge);
        border-radius: 999px;
        padding: 0.25rem 0.75rem;
        background: none;
      }
    `,
  ];
}
