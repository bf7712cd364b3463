import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { cleanName, MAX_NAME_LENGTH, type Problem } from "../client/index.js";
import { theme } from "./theme.js";
import { explain } from "./words.js";

/** The way into a room: a name and one button. Fires `join` with the name. */
@customElement("continuum-join")
export class JoinScreen extends LitElement {
  @property() room = "";
  @property() name = "";
  @property({ type: Boolean }) busy = false;
  /** Said under the room's name, such as that one has just left. */
  @property() note = "";
  @property({ attribute: false }) problem: Problem | null = null;
  @state() private nameless = false;

  @query("input") private readonly input!: HTMLInputElement;

  override focus(): void {
    void this.updateComplete.then(() => this.input.focus());
  }

  private submit(event: Event): void {
    event.preventDefault();
    if (this.busy) return;
    const name = cleanName(this.input.value);
    this.nameless = name === "";
    if (this.nameless) this.input.focus();
    else this.dispatchEvent(new CustomEvent<string>("join", { detail: name }));
  }

  override render() {
    const problem = this.problem ? explain(this.problem) : null;
    return html`
      <main>
        <div class="emblem" aria-hidden="true"><i></i><i></i><i></i></div>
        <h1><bdi>${this.room}</bdi></h1>
        <p class="lead">
          ${this.note || "A call with people and personas. Say hello, and you are answered."}
        </p>
        ${
          problem
            ? html`<div class="problem" role="alert" data-testid="problem" data-code=${this.problem!.code}>
                <p class="title">${problem.title}</p>
                <p>${problem.advice}</p>
              </div>`
            : nothing
        }
        <form @submit=${this.submit} novalidate>
          <label for="name">Your name</label>
          <input
            id="name"
            class="field"
            data-testid="join-name"
            autocomplete="nickname"
            autocapitalize="words"
            spellcheck="false"
            required
            maxlength=${MAX_NAME_LENGTH}
            .value=${this.name}
            aria-invalid=${this.nameless}
            aria-describedby=${this.nameless ? "nameless" : nothing}
            @input=${() => (this.nameless = false)}
          />
          ${
            this.nameless
              ? html`<p id="nameless" class="missing" role="alert">Enter a name that the others will see.</p>`
              : nothing
          }
          <button class="primary" data-testid="join-button" ?disabled=${this.busy}>
            ${this.busy ? "Joining…" : "Join the call"}
          </button>
        </form>
        <p class="hint">Your browser will ask for the microphone. Without one you can listen and write.</p>
      </main>
    `;
  }

  static override styles = [
    theme,
    css`
      :host {
        display: grid;
        place-items: center;
        padding: 1.5rem;
        overflow-y: auto;
      }
      main {
        inline-size: min(100%, 22rem);
        display: grid;
        justify-items: center;
        text-align: center;
      }
      .emblem {
        position: relative;
        inline-size: 6.5rem;
        aspect-ratio: 1;
        display: grid;
        place-items: center;
        margin-block-end: 1.5rem;
      }
      .emblem i {
        position: absolute;
        border-radius: 50%;
        border: 2px solid var(--_accent);
      }
      .emblem i:nth-child(1) {
        inset: 36%;
        background: var(--_accent);
      }
      .emblem i:nth-child(2) {
        inset: 18%;
        opacity: 0.5;
        animation: breathe 5.5s ease-in-out infinite;
      }
      .emblem i:nth-child(3) {
        inset: 0;
        opacity: 0.22;
        animation: breathe 5.5s ease-in-out -0.6s infinite;
      }
      @keyframes breathe {
        50% {
          transform: scale(0.93);
        }
      }
      h1 {
        font-size: 1.75rem;
        font-weight: 650;
        letter-spacing: -0.01em;
        line-height: 1.2;
        overflow-wrap: anywhere;
      }
      .lead {
        margin-block: 0.4rem 1.5rem;
        color: var(--_quiet);
        text-wrap: balance;
      }
      form {
        inline-size: 100%;
        display: grid;
        gap: 0.4rem;
        text-align: start;
      }
      label {
        font-size: 0.875rem;
        font-weight: 600;
      }
      .missing {
        font-size: 0.875rem;
        color: var(--_danger);
      }
      [aria-invalid="true"] {
        border-color: var(--_danger);
      }
      .primary {
        margin-block-start: 0.75rem;
      }
      .hint {
        margin-block-start: 1rem;
        font-size: 0.8125rem;
        color: var(--_quiet);
        text-wrap: balance;
      }
      .problem {
        inline-size: 100%;
        margin-block-end: 1.25rem;
        padding: 0.8rem 1rem;
        border-radius: 0.75rem;
        text-align: start;
        font-size: 0.9375rem;
        background: color-mix(in oklab, var(--_danger) 9%, var(--_surface));
      }
      .problem .title {
        font-weight: 600;
        color: var(--_danger);
      }
    `,
  ];
}
