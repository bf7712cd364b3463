import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { Problem, type ContinuumClient, type Memory, type Openness } from "../client/index.js";
import { panelStyles } from "./panel-styles.js";
import { saveFile } from "./save-file.js";
import { explain } from "./words.js";

const MAX_TEXT = 300;
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

function dayOf(at: string): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? "" : day.format(time);
}

/** What a persona knows about us: to be seen, put right, taken along and forgotten. */
@customElement("continuum-memories")
export class MemoryPanel extends LitElement {
  @property({ attribute: false }) client: ContinuumClient | null = null;
  @property() persona = "";
  /** What the persona is called. */
  @property() name = "";

  @state() private known: readonly Memory[] | null = null;
  @state() private openness: Openness = "present";
  @state() private older: string | null = null;
  @state() private problem: Problem | null = null;
  @state() private busy = false;
  /** Id of the memory that is being put right. */
  @state() private editing = "";
  @state() private sure = false;
  /** Read out by screen readers, and shown. */
  @state() private done = "";
  @query("input") private readonly input!: HTMLInputElement | null;
  @query("[data-testid=memory-more], h3") private readonly anchor!: HTMLElement | null;

  override firstUpdated(): void {
    void this.during(() => this.load());
  }

  private async load(before?: string): Promise<void> {
    if (!this.client) return;
    const page = await this.client.askMemories(this.persona, before);
    // What was taken out meanwhile moves the others up: the same one may come twice.
    const ids = new Set(before === undefined ? [] : (this.known ?? []).map(({ id }) => id));
    const fresh = page.known.filter(({ id }) => !ids.has(id));
    this.known = before === undefined ? fresh : [...(this.known ?? []), ...fresh];
    this.openness = page.openness;
    this.older = page.before;
  }

  /** One thing at a time; what goes wrong is shown. */
  private async during(work: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.problem = null;
    this.done = "";
    try {
      await work();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.problem = problem;
    } finally {
      this.busy = false;
    }
  }

  private edit(memory: Memory): void {
    this.editing = memory.id;
    void this.updateComplete.then(() => this.input?.focus());
  }

  private correct(event: Event, memory: Memory): void {
    event.preventDefault();
    const words = this.input?.value.trim() ?? "";
    if (words === "") return;
    void this.during(async () => {
      await this.client?.correctMemory(this.persona, memory.id, words);
      this.editing = "";
      await this.load();
      this.done = "Put right.";
      this.keepFocus();
    });
  }

  private forget(memory: Memory | null): void {
    void this.during(async () => {
      await this.client?.forgetMemory(this.persona, memory?.id ?? null);
      this.sure = false;
      await this.load();
      this.done = memory ? "Forgotten." : "Everything is forgotten.";
      this.keepFocus();
    });
  }

  /** The button that was pressed is gone: whoever uses the keyboard is not to start anew. */
  private keepFocus(): void {
    void this.updateComplete.then(() => this.anchor?.focus());
  }

  /** All of it, as a file. */
  private takeAlong(): void {
    void this.during(async () => {
      while (this.older !== null) await this.load(this.older);
      saveFile(`${this.persona}-knows.json`, JSON.stringify(this.known, null, 2));
      this.done = "Saved.";
    });
  }

  override render() {
    return html`<section aria-labelledby="known">
      <h3 id="known" tabindex="-1">What ${this.name} knows about you</h3>
      <p class="quiet">
        ${
          this.openness === "open"
            ? "What is said in this room may be told elsewhere, unless it is whispered."
            : "What is said in this room is for those who are here."
        }
      </p>
      ${this.list()}
      ${
        this.older === null
          ? nothing
          : html`<button
              class="more"
              data-testid="memory-more"
              ?disabled=${this.busy}
              @click=${() => void this.during(() => this.load(this.older!))}
            >
              Show older
            </button>`
      }
      ${this.problem ? this.failed(this.problem) : nothing}
      <p class="done" role="status">${this.done}</p>
      ${this.known === null || this.known.length === 0 ? nothing : this.all()}
    </section>`;
  }

  private list() {
    if (this.known === null) return this.problem ? nothing : html`<p class="quiet">One moment…</p>`;
    if (this.known.length === 0)
      return html`<p class="quiet" data-testid="nothing-known">Nothing yet, or nothing any more.</p>`;
    return html`<ol>
      ${repeat(
        this.known,
        ({ id }) => id,
        (memory) => html`<li data-testid="memory">${this.memory(memory)}</li>`,
      )}
    </ol>`;
  }

  private memory(memory: Memory) {
    return html`
      <p class="words" dir="auto">
        ${memory.text}${memory.current ? nothing : html` <span class="past">no longer so</span>`}
      </p>
      <p class="origin">
        <time datetime=${memory.at}>${dayOf(memory.at)}</time> · <bdi>${memory.where}</bdi>${
          memory.quote && memory.quote !== memory.text ? html` · <q dir="auto">${memory.quote}</q>` : nothing
        }
      </p>
      ${
        this.editing === memory.id
          ? html`<form @submit=${(event: Event) => this.correct(event, memory)}>
              <label for="words">How it is, in your words</label>
              <input
                id="words"
                class="field"
                data-testid="memory-words"
                maxlength=${MAX_TEXT}
                autocomplete="off"
              />
              <span class="row">
                <button class="more strong" data-testid="memory-save" ?disabled=${this.busy}>Save</button>
                <button class="more" type="button" @click=${() => (this.editing = "")}>Cancel</button>
              </span>
            </form>`
          : html`<span class="row">
              <button
                class="more"
                data-testid="memory-correct"
                aria-label="Correct: ${memory.text}"
                ?disabled=${this.busy}
                @click=${() => this.edit(memory)}
              >
                Correct
              </button>
              <button
                class="more"
                data-testid="memory-forget"
                aria-label="Forget: ${memory.text}"
                ?disabled=${this.busy}
                @click=${() => this.forget(memory)}
              >
                Forget
              </button>
            </span>`
      }
    `;
  }

  private all() {
    return html`<p class="row">
      <button class="more" data-testid="memory-export" ?disabled=${this.busy} @click=${this.takeAlong}>
        Save as a file
      </button>
      ${
        this.sure
          ? html`<button
                class="more danger"
                data-testid="memory-forget-all"
                ?disabled=${this.busy}
                @click=${() => this.forget(null)}
              >
                Yes, forget me everywhere
              </button>
              <button class="more" @click=${() => (this.sure = false)}>No</button>`
          : html`<button
              class="more"
              data-testid="memory-forget-me"
              ?disabled=${this.busy}
              @click=${() => (this.sure = true)}
            >
              Forget me…
            </button>`
      }
    </p>`;
  }

  private failed(problem: Problem) {
    const { title, advice } = explain(problem);
    return html`<p role="alert" data-testid="memory-problem">
      <strong>${title}.</strong> ${advice}
      <button class="more" @click=${() => void this.during(() => this.load())}>Try again</button>
    </p>`;
  }

  static override styles = [
    panelStyles,
    css`
      li {
        display: grid;
        gap: 0.25rem;
        padding-block: 0.6rem;
        border-block-start: 1px solid var(--_line);
      }
      .words {
        overflow-wrap: anywhere;
      }
      .past {
        border-radius: 999px;
        padding: 0.05rem 0.5rem;
        font-size: 0.75rem;
        color: var(--_quiet);
        background: var(--_sunken);
        white-space: nowrap;
      }
      form {
        display: grid;
        gap: 0.35rem;
      }
      label {
        font-size: 0.8125rem;
        color: var(--_quiet);
      }
      .done:empty {
        display: none;
      }
    `,
  ];
}
