import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { styled } from "./styled.js";
import type { Caption, ContinuumClient } from "../client/index.js";
import { Colours } from "./colours.js";
import "./feedback.js";
import { ClientObserver } from "./observe.js";
import { theme } from "./theme.js";
import "./why-answer.js";

const ANNOUNCED_AT_ONCE = 3;

function sameSpeaker(before: Caption | undefined, caption: Caption): boolean {
  return before?.from === caption.from && before.name === caption.name;
}

/**
 * What is being said, with the speaker's name. A screen reader hears each utterance once, when it is complete,
 * and never what its own user said.
 */
@customElement("continuum-captions")
export class ContinuumCaptions extends LitElement {
  @property({ attribute: false }) client: ContinuumClient | null = null;
  @property({ attribute: false }) colours = new Colours();

  @query(".lines") private readonly scroller!: HTMLElement | null;
  private readonly known = new Set<string>();
  private spoken: readonly Caption[] = [];
  private heard: ContinuumClient | null = null;
  private atEnd = true;

  constructor() {
    super();
    new ClientObserver(this);
  }

  override willUpdate(): void {
    const room = this.client?.room;
    if (!room || room.you === "") return;
    const fresh = room.captions.filter((caption) => caption.final && !this.known.has(caption.key));
    for (const caption of fresh) this.known.add(caption.key);
    // What was said before one came is there to be read, not read out.
    if (this.heard !== this.client) this.heard = this.client;
    else
      this.spoken = [...this.spoken, ...fresh.filter((caption) => this.announced(caption, room.you))].slice(
        -ANNOUNCED_AT_ONCE,
      );
  }

  private announced(caption: Caption, you: string): boolean {
    return caption.from !== you && !caption.key.startsWith("line/");
  }

  override updated(_changed: PropertyValues): void {
    if (this.atEnd && this.scroller) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  private onScroll(): void {
    const scroller = this.scroller!;
    this.atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40;
  }

  override render() {
    const captions = this.client?.room.captions ?? [];
    return html`
      <div class="lines" tabindex="0" role="region" aria-label="Captions" @scroll=${this.onScroll}>
        ${captions.length === 0 ? html`<p class="empty">What is said appears here.</p>` : nothing}
        ${repeat(
          captions,
          (caption) => caption.key,
          (caption, index) => this.line(caption, sameSpeaker(captions[index - 1], caption)),
        )}
      </div>
      <div class="unseen" role="log" aria-live="polite" aria-label="Spoken">
        ${repeat(
          this.spoken,
          (caption) => caption.key,
          (caption) =>
            html`<p>${caption.name}${caption.whispered ? " (whispered)" : ""}: ${caption.text}</p>`,
        )}
      </div>
    `;
  }

  private line(caption: Caption, continued: boolean) {
    return html`<p
      class="caption ${caption.final ? "" : "growing"} ${continued ? "continued" : ""}"
      data-testid="caption"
      data-speaker=${caption.from}
      data-name=${caption.name}
      data-final=${caption.final}
      data-interrupted=${caption.interrupted}
    >
      <span
        class="name ${continued ? "unseen" : ""}"
        ${styled({ color: this.colours.of(caption.from, caption.name) })}
        ><bdi>${caption.name}</bdi></span
      >
      <span class="text" dir="auto">${caption.text}</span>${
        caption.interrupted ? html`<span class="cut">cut off</span>` : nothing
      }${caption.whispered ? html`<span class="cut">whispered</span>` : nothing}${this.feedback(caption)}
    </p>`;
  }

  /** In one click, beside what a persona has said. */
  private feedback(caption: Caption) {
    const persona = this.client?.room.participants.get(caption.from);
    if (!caption.final || persona?.kind !== "persona") return nothing;
    return html`<continuum-feedback
        .client=${this.client}
        .persona=${persona.id}
        .name=${persona.name}
        .line=${caption.line}
        class=${this.client?.feedbackOn(persona.id, caption.line) ? "given" : ""}
      ></continuum-feedback
      ><continuum-why
        .client=${this.client}
        .persona=${persona.id}
        .name=${persona.name}
        .line=${caption.line}
      ></continuum-why>`;
  }

  static override styles = [
    theme,
    css`
      :host {
        display: block;
        position: relative;
        min-block-size: 0;
      }
      .lines {
        block-size: 100%;
        overflow-y: auto;
        overscroll-behavior: contain;
        padding: 1rem 0.25rem 0.5rem;
        mask-image: linear-gradient(transparent, #000 1.5rem);
        display: flex;
        flex-direction: column;
        border-radius: 0.75rem;
        scrollbar-width: thin;
        scrollbar-color: var(--_line) transparent;
      }
      .lines > :first-child {
        margin-block-start: auto;
      }
      .empty {
        color: var(--_quiet);
        text-align: center;
        margin-block-end: auto;
      }
      .caption {
        inline-size: min(100%, 42rem);
        margin-inline: auto;
        padding-block-start: 0.7rem;
        font-size: 1.0625rem;
        line-height: 1.45;
        text-wrap: pretty;
        overflow-wrap: anywhere;
      }
      .caption.continued {
        padding-block-start: 0.1rem;
      }
      .name:not(.unseen) {
        display: block;
        font-size: 0.8125rem;
        font-weight: 600;
      }
      .growing .text {
        color: var(--_quiet);
      }
      .cut {
        margin-inline-start: 0.4rem;
        font-size: 0.75rem;
        color: var(--_quiet);
        white-space: nowrap;
      }
      continuum-feedback,
      continuum-why {
        margin-inline-start: 0.35rem;
        vertical-align: middle;
        margin-block: -0.25rem;
      }
      @media (hover: hover) {
        .caption:not(:hover, :focus-within) :is(continuum-feedback:not(.given), continuum-why) {
          opacity: 0;
        }
      }
      .cut::before {
        content: "— ";
      }
    `,
  ];
}
