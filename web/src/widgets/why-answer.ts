import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { Problem, type ContinuumClient, type ExplainedPart, type Explanation } from "../client/index.js";
import * as icons from "./icons.js";
import { panelStyles } from "./panel-styles.js";
import { explain, SOURCE_WORDS } from "./words.js";

/** A button beside a persona's line, and what went into that line: from where, and at what cost. */
@customElement("continuum-why")
export class WhyAnswer extends LitElement {
  @property({ attribute: false }) client: ContinuumClient | null = null;
  @property() persona = "";
  /** What the persona is called. */
  @property() name = "";
  @property() line = "";

  @state() private open = false;
  @state() private explanation: Explanation | null = null;
  @state() private problem: Problem | null = null;
  @query("dialog") private readonly dialog!: HTMLDialogElement | null;

  private async show(): Promise<void> {
    this.open = true;
    this.explanation = this.problem = null;
    await this.updateComplete;
    this.dialog?.showModal();
    try {
      this.explanation = (await this.client?.explain(this.persona, this.line)) ?? null;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.problem = problem;
    }
  }

  private onClick(event: MouseEvent): void {
    // The backdrop is the dialog itself; what is in it stands before it.
    if (event.target === this.dialog) this.dialog?.close();
  }

  override render() {
    return html`<button
        class="ask"
        data-testid="why"
        aria-haspopup="dialog"
        aria-label="Why did ${this.name} say this?"
        title="Why this answer"
        @click=${() => void this.show()}
      >
        ${icons.about}
      </button>
      ${
        this.open
          ? html`<dialog
              aria-labelledby="title"
              data-testid="explanation"
              @click=${this.onClick}
              @close=${() => (this.open = false)}
            >
              <div class="sheet">
                <header>
                  <h2 id="title">Why this answer</h2>
                  <button class="plain" aria-label="Close" @click=${() => this.dialog?.close()}>
                    ${icons.close}
                  </button>
                </header>
                ${this.content()}
              </div>
            </dialog>`
          : nothing
      }`;
  }

  private content() {
    if (this.problem) return this.failed(this.problem);
    if (!this.explanation) return html`<p class="quiet">One moment…</p>`;
    const used = this.explanation.parts.flatMap((part) => part.used);
    const tokens = this.explanation.parts.reduce((sum, part) => sum + part.tokens, 0);
    const took = this.explanation.parts.reduce((sum, part) => sum + part.ms, 0);
    return html`
      <section aria-labelledby="used">
        <h3 id="used">What ${this.name} had in mind beside the conversation</h3>
        ${
          used.length === 0
            ? html`<p class="quiet">Nothing: only what was said here.</p>`
            : html`<ul>
                ${used.map(
                  (piece) =>
                    html`<li>
                      <p dir="auto">${piece.text}</p>
                      <p class="origin">
                        ${SOURCE_WORDS[piece.source] ?? piece.source}${
                          piece.origin ? html` · <bdi>${piece.origin}</bdi>` : nothing
                        }
                        · ${piece.tokens} tokens
                      </p>
                    </li>`,
                )}
              </ul>`
        }
      </section>
      <p class="quiet" data-testid="cost">${tokens} tokens, looked up in ${Math.round(took)} ms.</p>
      <details>
        <summary>Where it was looked for</summary>
        ${this.explanation.parts.map((part) => this.looked(part))}
      </details>
    `;
  }

  private looked(part: ExplainedPart) {
    return html`<h3>${part.words ? html`For <q dir="auto">${part.words}</q>` : "For who is here"}</h3>
      <table>
        <thead>
          <tr>
            <th scope="col">Source</th>
            <th scope="col">Found</th>
            <th scope="col">Tokens</th>
            <th scope="col">Time</th>
          </tr>
        </thead>
        <tbody>
          ${part.sources.map(
            (source) =>
              html`<tr>
                <th scope="row">${SOURCE_WORDS[source.source] ?? source.source}</th>
                <td>${source.state === "loaded" ? source.pieces : source.state}</td>
                <td>${source.tokens}</td>
                <td>${Math.round(source.ms)} ms</td>
              </tr>`,
          )}
        </tbody>
      </table>
      ${part.leftOut > 0 ? html`<p class="origin">${part.leftOut} found, but left out.</p>` : nothing}`;
  }

  private failed(problem: Problem) {
    const { title, advice } =
      problem.code === "no-such-line"
        ? { title: "Nothing was looked up for this line", advice: "Or it was too long ago." }
        : explain(problem);
    return html`<p role="alert" data-testid="why-problem"><strong>${title}.</strong> ${advice}</p>`;
  }

  static override styles = [
    panelStyles,
    css`
      :host {
        display: inline-flex;
      }
      .ask {
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
      .ask:hover {
        color: var(--_ink);
        background: var(--_sunken);
      }
      @media (pointer: coarse) {
        .ask {
          inline-size: 2.5rem;
          block-size: 2.5rem;
        }
      }
      dialog {
        inline-size: min(30rem, 100vw - 1.5rem);
        max-block-size: min(36rem, 100dvb - 1.5rem);
        margin: auto;
        padding: 0;
        border: 0;
        border-radius: var(--_radius);
        font-size: 1rem;
        color: var(--_ink);
        background: var(--_surface);
        box-shadow:
          inset 0 0 0 1px var(--_line),
          0 16px 48px rgb(0 0 0 / 0.28);
        overflow: auto;
        overscroll-behavior: contain;
        opacity: 1;
      }
      dialog::backdrop {
        background: rgb(0 0 0 / 0.4);
      }
      .sheet {
        display: grid;
        gap: 0.9rem;
        padding: 1.1rem 1.25rem 1.4rem;
      }
      header {
        display: flex;
        align-items: center;
        gap: 0.6rem;
      }
      h2 {
        flex: 1;
        font-size: 1.25rem;
        font-weight: 650;
      }
      ul {
        display: grid;
        gap: 0.6rem;
      }
      li p {
        overflow-wrap: anywhere;
      }
      summary {
        cursor: pointer;
      }
      details h3 {
        margin-block: 0.6rem 0.2rem;
        overflow-wrap: anywhere;
      }
      table {
        inline-size: 100%;
        border-collapse: collapse;
        font-size: 0.875rem;
        font-variant-numeric: tabular-nums;
      }
      th,
      td {
        overflow-wrap: normal;
        white-space: nowrap;
        padding: 0.2rem 0 0.2rem 0.6rem;
        text-align: end;
        font-weight: 400;
      }
      thead th {
        color: var(--_quiet);
      }
      th:first-child {
        padding-inline-start: 0;
        white-space: normal;
        text-align: start;
      }
    `,
  ];
}
