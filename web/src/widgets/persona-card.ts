import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { Problem, type Card, type CardEvent, type ContinuumClient } from "../client/index.js";
import { cardStyles } from "./card-styles.js";
import "./feedback.js";
import * as icons from "./icons.js";
import "./memory-panel.js";
import { ClientObserver } from "./observe.js";
import { eventWords, explain, LEVEL_WORDS, moodWord, statusWords, whyWords } from "./words.js";

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

function dayOf(at: string): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? "" : day.format(time);
}

/**
 * What anybody in the room may know of a persona: what it does and why, how it is, how far it is trusted and by whose
 * word, what it wrote. Fires `close`.
 */
@customElement("continuum-persona-card")
export class PersonaCard extends LitElement {
  @property({ attribute: false }) client: ContinuumClient | null = null;
  @property() persona = "";

  @state() private card: Card | null = null;
  @state() private history: readonly CardEvent[] = [];
  @state() private problem: Problem | null = null;
  @state() private asking = false;
  @state() private remembering = false;
  @query("dialog") private readonly dialog!: HTMLDialogElement;

  constructor() {
    super();
    new ClientObserver(this);
  }

  override firstUpdated(): void {
    this.dialog.showModal();
    void this.ask();
  }

  /** The card anew, or the next page of its history. */
  private async ask(before?: string): Promise<void> {
    if (!this.client || this.asking) return;
    this.asking = true;
    try {
      const card = await this.client.askCard(this.persona, before);
      this.history = before === undefined ? card.history : [...this.history, ...card.history];
      this.card = card;
      this.problem = null;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.problem = problem;
    } finally {
      this.asking = false;
    }
  }

  private onClick(event: MouseEvent): void {
    // The backdrop is the dialog itself; what is in it stands before it.
    if (event.target === this.dialog) this.dialog.close();
  }

  override render() {
    const participant = this.client?.room.participants.get(this.persona);
    const name = participant?.name ?? this.persona;
    return html`<dialog
      aria-labelledby="name"
      data-testid="persona-card"
      @click=${this.onClick}
      @close=${() => this.dispatchEvent(new CustomEvent("close"))}
    >
      <div class="sheet">
        <header>
          <h2 id="name" dir="auto"><bdi>${name}</bdi></h2>
          ${this.card ? html`<span class="level" data-testid="level">${LEVEL_WORDS[this.card.level]}</span>` : nothing}
          <button class="plain" aria-label="Close" @click=${() => this.dialog.close()}>${icons.close}</button>
        </header>
        ${participant ? this.now(name, statusWords(participant)) : html`<p class="quiet">Is not in the room.</p>`}
        ${this.problem ? this.failed(this.problem) : nothing} ${this.memories(name)}
        ${this.card ? this.known(this.card) : this.problem ? nothing : html`<p class="quiet">One moment…</p>`}
      </div>
    </dialog>`;
  }

  private now(name: string, status: string) {
    const client = this.client!;
    const why = whyWords(client.room.floor, this.persona);
    const presence = client.room.presences.get(this.persona);
    return html`<section aria-label="Now">
      <p data-testid="why">${status}${why ? html`<span class="quiet"> · ${why}</span>` : nothing}</p>
      ${
        presence
          ? html`<p class="measure">
              <label for="energy">Energy</label>
              <meter id="energy" min="0" max="1" low="0.25" optimum="1" .value=${presence.energy}></meter>
              <span class="quiet">mood: ${moodWord(presence)}</span>
            </p>`
          : nothing
      }
      <p class="give">
        <span>How was ${name} today?</span>
        <continuum-feedback .client=${client} .persona=${this.persona} .name=${name}></continuum-feedback>
      </p>
    </section>`;
  }

  /** What it knows about us, once that is asked for. */
  private memories(name: string) {
    if (!this.remembering)
      return html`<button
        class="remembers"
        data-testid="show-memories"
        @click=${() => (this.remembering = true)}
      >
        What does ${name} know about me?
      </button>`;
    return html`<continuum-memories
      .client=${this.client}
      .persona=${this.persona}
      .name=${name}
    ></continuum-memories>`;
  }

  private known(card: Card) {
    const { standing } = card;
    return html`
      <section aria-labelledby="trust">
        <h3 id="trust">Trust</h3>
        <dl>
          <div>
            <dt>Quality</dt>
            <dd>${Math.round(standing.quality * 100)} %</dd>
          </div>
          <div>
            <dt>Tasks</dt>
            <dd>
              ${standing.completed} done, ${standing.succeeded}
              well${standing.failed ? `, ${standing.failed} failed` : ""}
            </dd>
          </div>
          <div>
            <dt>Votes</dt>
            <dd>
              ${standing.praised} good, ${standing.criticised} not, from ${standing.givers}
              ${standing.givers === 1 ? "person" : "people"}
            </dd>
          </div>
          ${
            card.expertise.length > 0
              ? html`<div>
                  <dt>Knows about</dt>
                  <dd>${card.expertise.map(({ domain }) => domain).join(", ")}</dd>
                </div>`
              : nothing
          }
        </dl>
        ${
          card.actions.length > 0
            ? html`<details>
                <summary>What it may do</summary>
                <ul>
                  ${card.actions.map(
                    ({ words, needed, allowed }) =>
                      html`<li class=${allowed ? "" : "quiet"}>
                        ${words}${allowed ? nothing : html` · from ${LEVEL_WORDS[needed]} on`}
                      </li>`,
                  )}
                </ul>
              </details>`
            : nothing
        }
      </section>
      <section aria-labelledby="history">
        <h3 id="history">History</h3>
        ${
          this.history.length === 0
            ? html`<p class="quiet">Nothing yet. Your word is the first.</p>`
            : html`<ol>
                ${this.history.map(
                  (event) =>
                    html`<li>
                      <time datetime=${event.at}>${dayOf(event.at)}</time><bdi>${eventWords(event)}</bdi>
                    </li>`,
                )}
              </ol>`
        }
        ${
          card.before === null
            ? nothing
            : html`<button class="more" ?disabled=${this.asking} @click=${() => void this.ask(card.before!)}>
                Show older
              </button>`
        }
      </section>
      ${
        card.journal.length === 0
          ? nothing
          : html`<section aria-labelledby="journal">
              <h3 id="journal">Journal</h3>
              ${card.journal.map(
                ({ at, text }) =>
                  html`<p class="entry" dir="auto"><time datetime=${at}>${dayOf(at)}</time>${text}</p>`,
              )}
            </section>`
      }
    `;
  }

  private failed(problem: Problem) {
    const { title, advice } = explain(problem);
    return html`<p role="alert">
      <strong>${title}.</strong> ${advice}
      <button class="more" @click=${() => void this.ask()}>Try again</button>
    </p>`;
  }

  static override styles = cardStyles;
}
