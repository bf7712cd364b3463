import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { styled } from "./styled.js";
import { breakdown, type Latency, type Stage } from "../client/index.js";
import { theme } from "./theme.js";
import { STAGE_WORDS } from "./words.js";

const STAGE_COLOURS: Readonly<Record<Stage["name"], string>> = {
  silence: "light-dark(#a9b0ab, #59635e)",
  words: "light-dark(#1f5fbf, #8ab8ff)",
  token: "light-dark(#8a3b9a, #dfa6ec)",
  clause: "light-dark(#b02a5b, #ff9bbd)",
  voice: "light-dark(#0f6b5c, #6fd6c0)",
  wire: "light-dark(#7d5500, #e9bd63)",
};

const ms = (value: number) => `${Math.round(value)} ms`;

/** How long the last reply took to be heard, taken apart by stage; opens for the numbers. */
@customElement("continuum-latency")
export class LatencyMeter extends LitElement {
  @property({ attribute: false }) latency: Latency | null = null;

  override render() {
    if (!this.latency) return nothing;
    const { total, stages } = breakdown(this.latency);
    if (stages.length === 0) return nothing;
    const words = stages.map(
      (stage) => `${STAGE_WORDS[stage.name]} ${stage.ahead ? "done ahead" : ms(stage.ms)}`,
    );
    return html`
      <details
        data-testid="latency"
        data-total=${Math.round(total)}
        @focusout=${this.onFocusOut}
        @keydown=${this.onKey}
      >
        <summary title="How long the last reply took">
          <span class="unseen">Last reply after ${ms(total)}: ${words.join(", ")}</span>
          <span class="bar" aria-hidden="true">
            ${stages.map(
              (stage) =>
                html`<i
                  ${styled({ "flex-grow": String(stage.ms), background: STAGE_COLOURS[stage.name] })}
                ></i>`,
            )}
          </span>
          <span class="total" aria-hidden="true">${ms(total)}</span>
        </summary>
        <div class="panel">
          <p class="title">From the last word to the first sound of the reply</p>
          <dl>
            ${stages.map(
              (stage) => html`
                <dt>
                  <i ${styled({ background: STAGE_COLOURS[stage.name] })}></i>${STAGE_WORDS[stage.name]}
                </dt>
                <dd data-stage=${stage.name} data-ms=${Math.round(stage.ms)}>
                  ${stage.ahead ? html`<span class="ahead">ahead, at</span> ${ms(stage.at)}` : ms(stage.ms)}
                </dd>
              `,
            )}
            <dt class="sum">Together</dt>
            <dd class="sum">${ms(total)}</dd>
          </dl>
        </div>
      </details>
    `;
  }

  private onFocusOut(event: FocusEvent): void {
    const details = event.currentTarget as HTMLDetailsElement;
    if (!details.contains(event.relatedTarget as Node | null)) details.open = false;
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === "Escape") (event.currentTarget as HTMLDetailsElement).open = false;
  }

  static override styles = [
    theme,
    css`
      :host {
        display: block;
        position: relative;
      }
      summary {
        display: flex;
        align-items: center;
        gap: 0.5rem;
        padding: 0.3rem 0.7rem;
        border-radius: 999px;
        cursor: pointer;
        list-style: none;
        font-size: 0.8125rem;
        color: var(--_quiet);
        white-space: nowrap;
      }
      summary::-webkit-details-marker {
        display: none;
      }
      summary:hover,
      details[open] summary {
        background: var(--_sunken);
        color: var(--_ink);
      }
      .bar {
        display: flex;
        gap: 1px;
        inline-size: var(--_bar, 6.5rem);
        block-size: 0.5rem;
        border-radius: 999px;
        overflow: hidden;
      }
      .bar i {
        flex: 0 0 0;
      }
      .total,
      dd {
        font-variant-numeric: tabular-nums;
      }
      .panel {
        position: absolute;
        z-index: 5;
        inset-inline-end: 0;
        inset-block-start: calc(100% + 0.4rem);
        inline-size: 17rem;
        max-inline-size: 86vw;
        padding: 1rem;
        border-radius: 0.9rem;
        background: var(--_surface);
        box-shadow:
          inset 0 0 0 1px var(--_line),
          0 12px 32px rgb(0 0 0 / 0.16);
      }
      .title {
        font-size: 0.8125rem;
        color: var(--_quiet);
        margin-block-end: 0.6rem;
        text-wrap: balance;
      }
      dl {
        display: grid;
        grid-template-columns: 1fr auto;
        gap: 0.3rem 1rem;
        font-size: 0.875rem;
      }
      dt {
        display: flex;
        align-items: center;
        gap: 0.5rem;
      }
      dt i {
        inline-size: 0.6rem;
        block-size: 0.6rem;
        border-radius: 50%;
      }
      dd {
        text-align: end;
      }
      .ahead {
        color: var(--_quiet);
        font-size: 0.75rem;
      }
      .sum {
        font-weight: 600;
        padding-block-start: 0.35rem;
        border-block-start: 1px solid var(--_line);
      }
      dl .sum:nth-last-child(2) {
        margin-inline-end: -1rem;
      }
    `,
  ];
}
