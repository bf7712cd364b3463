import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Problem, type ContinuumClient } from "../client/index.js";
import * as icons from "./icons.js";
import { ClientObserver } from "./observe.js";
import { theme } from "./theme.js";

/**
 * Good or not good, in one click; a second one takes it back. Fires `continuum-problem` with a `Problem` when it could
 * not be kept.
 */
@customElement("continuum-feedback")
export class FeedbackButtons extends LitElement {
  @property({ attribute: false }) client: ContinuumClient | null = null;
  @property() persona = "";
  /** What the persona is called. */
  @property() name = "";
  /** The line it is about; none for the persona itself. */
  @property() line = "";

  constructor() {
    super();
    new ClientObserver(this);
  }

  override render() {
    const client = this.client;
    if (!client) return nothing;
    const given = client.feedbackOn(this.persona, this.line || undefined);
    const what = this.line ? `what ${this.name} said` : this.name;
    return [1 as const, -1 as const].map(
      (value) =>
        html`<button
          data-testid=${value > 0 ? "good" : "not-good"}
          aria-label=${value > 0 ? `Good: ${what}` : `Not good: ${what}`}
          aria-pressed=${given === value}
          title=${given === value ? "Take it back" : value > 0 ? "Good" : "Not good"}
          @click=${() => void this.give(client, given === value ? 0 : value)}
        >
          ${value > 0 ? icons.good : icons.notGood}
        </button>`,
    );
  }

  private async give(client: ContinuumClient, value: -1 | 0 | 1): Promise<void> {
    try {
      await client.giveFeedback(this.persona, value, this.line || undefined);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.dispatchEvent(
        new CustomEvent("continuum-problem", { detail: problem, bubbles: true, composed: true }),
      );
    }
  }

  static override styles = [
    theme,
    css`
      :host {
        display: inline-flex;
        gap: 0.125rem;
      }
      button {
        display: grid;
        place-items: center;
        inline-size: 1.75rem;
        block-size: 1.75rem;
        padding: 0;
        border: 0;
        border-radius: 50%;
        font-size: 0.75rem;
        color: var(--_quiet);
        background: none;
      }
      button:hover {
        color: var(--_ink);
        background: var(--_sunken);
      }
      button[aria-pressed="true"] {
        color: var(--_on-accent);
        background: var(--_accent);
      }
      @media (pointer: coarse) {
        button {
          inline-size: 2.5rem;
          block-size: 2.5rem;
        }
      }
    `,
  ];
}
