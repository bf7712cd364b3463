import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { styled } from "./styled.js";
import { MAX_CHAT_LENGTH, type ChatLine, type ContinuumClient } from "../client/index.js";
import { Colours } from "./colours.js";
import * as icons from "./icons.js";
import { ClientObserver } from "./observe.js";
import { theme } from "./theme.js";
import "./why-answer.js";

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

function timeOf(at: string): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? "" : clock.format(time);
}

/** The room in writing. Personas read it, and answer. */
@customElement("continuum-chat")
export class ContinuumChat extends LitElement {
  @property({ attribute: false }) client: ContinuumClient | null = null;
  @property({ attribute: false }) colours = new Colours();

  @query("textarea") private readonly input!: HTMLTextAreaElement;
  @query(".lines") private readonly scroller!: HTMLElement | null;
  private atEnd = true;

  constructor() {
    super();
    new ClientObserver(this);
  }

  override focus(): void {
    void this.updateComplete.then(() => this.input.focus());
  }

  override updated(): void {
    if (this.atEnd && this.scroller) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  private onScroll(): void {
    const scroller = this.scroller!;
    this.atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40;
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.submit(event);
  }

  private submit(event: Event): void {
    event.preventDefault();
    if (!this.client || this.input.value.trim() === "") return;
    this.client.say(this.input.value);
    this.input.value = "";
    this.atEnd = true;
    this.input.focus();
  }

  override render() {
    const lines = this.client?.room.chat ?? [];
    const connected = this.client?.connectionState === "connected";
    return html`
      <div
        class="lines"
        role="log"
        aria-live="polite"
        aria-label="Messages"
        tabindex="0"
        @scroll=${this.onScroll}
      >
        ${
          lines.length === 0
            ? html`<p class="empty">Write to everyone in the room. Personas read along and answer.</p>`
            : nothing
        }
        ${repeat(
          lines,
          (line) => line.id,
          (line, index) => this.line(line, lines[index - 1]?.from === line.from),
        )}
      </div>
      <form @submit=${this.submit}>
        <textarea
          class="field"
          data-testid="chat-input"
          rows="1"
          maxlength=${MAX_CHAT_LENGTH}
          aria-label="Message to the room"
          placeholder=${connected ? "Message" : "Sent when connected again"}
          enterkeyhint="send"
          @keydown=${this.onKey}
        ></textarea>
        <button class="primary" data-testid="chat-send" aria-label="Send message">${icons.send}</button>
      </form>
    `;
  }

  private line(line: ChatLine, continued: boolean) {
    const own = line.from === this.client?.room.you;
    return html`<div
      class="line ${own ? "own" : ""} ${line.pending ? "pending" : ""} ${continued ? "continued" : ""}"
      data-testid="chat-line"
      data-from=${line.from}
      data-name=${line.name}
      data-pending=${line.pending}
    >
      <p class="head ${continued ? "unseen" : ""}">
        <bdi class="name" ${styled({ color: this.colours.of(line.from, line.name) })}>${line.name}</bdi>
        <span class="time">${line.pending ? "sending" : timeOf(line.at)}</span>
      </p>
      <p class="text" dir="auto">${line.text}${this.why(line)}</p>
    </div>`;
  }

  private why(line: ChatLine) {
    const persona = this.client?.room.participants.get(line.from);
    if (persona?.kind !== "persona") return nothing;
    return html`<continuum-why
      .client=${this.client}
      .persona=${persona.id}
      .name=${persona.name}
      .line=${line.id}
    ></continuum-why>`;
  }

  static override styles = [
    theme,
    css`
      :host {
        display: grid;
        grid-template-rows: minmax(0, 1fr) auto;
        min-block-size: 0;
      }
      .lines {
        overflow-y: auto;
        overscroll-behavior: contain;
        padding: 0.25rem 1rem 0.75rem;
        display: flex;
        flex-direction: column;
        scrollbar-width: thin;
        scrollbar-color: var(--_line) transparent;
      }
      .lines > :first-child {
        margin-block-start: auto;
      }
      .empty {
        color: var(--_quiet);
        text-align: center;
        text-wrap: balance;
        margin-block-end: auto;
        padding-inline: 1rem;
      }
      .line {
        padding-block-start: 0.8rem;
      }
      .line.continued {
        padding-block-start: 0.2rem;
      }
      .head:not(.unseen) {
        display: flex;
        align-items: baseline;
        gap: 0.5rem;
        font-size: 0.8125rem;
      }
      .name {
        font-weight: 600;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .time {
        flex: none;
        color: var(--_quiet);
        font-size: 0.75rem;
        font-variant-numeric: tabular-nums;
      }
      .text {
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      continuum-why {
        margin-inline-start: 0.35rem;
        vertical-align: middle;
        margin-block: -0.25rem;
      }
      @media (hover: hover) {
        .line:not(:hover, :focus-within) continuum-why {
          opacity: 0;
        }
      }
      .pending .text {
        color: var(--_quiet);
      }
      form {
        display: flex;
        gap: 0.5rem;
        align-items: end;
        padding: 0.75rem 1rem 1rem;
        border-block-start: 1px solid var(--_line);
      }
      textarea {
        resize: none;
        field-sizing: content;
        min-block-size: 2.875rem;
        max-block-size: 8rem;
        line-height: 1.4;
        padding-block: 0.65rem;
      }
      form .primary {
        padding: 0;
        inline-size: 2.875rem;
        block-size: 2.875rem;
        line-height: 0;
        flex: none;
      }
    `,
  ];
}
