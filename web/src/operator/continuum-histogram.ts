import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { styled } from "../widgets/styled.js";
import { theme } from "../widgets/theme.js";
import { plotStyles } from "./plot-styles.js";
import { logHeights } from "./scale.js";
import { number, share } from "./words.js";

/** From here on a tick counts as late (media/realtime/plane.py), from there a frame of 20 ms is lost. */
const LATE_MS = 5;
const MISSED_MS = 20;

/** How late ticks began: how many in each bucket. */
@customElement("continuum-histogram")
export class ContinuumHistogram extends LitElement {
  @property() heading = "";
  /** Upper bounds of the buckets; one more holds what is above. */
  @property({ attribute: false }) boundsMs: readonly number[] = [];
  @property({ attribute: false }) counts: readonly number[] = [];
  @state() private tabled = false;

  override render() {
    const heights = logHeights(this.counts);
    const all = this.counts.reduce((sum, count) => sum + count, 0);
    return html`
      <figure>
        <figcaption><h3>${this.heading}</h3></figcaption>
        <div class="legend" aria-hidden="true">
          <span>Ticks <b>${number(all)}</b></span>
          <span>beyond ${LATE_MS} ms <b>${share(this.beyond(LATE_MS), all)}</b></span>
          <span>beyond ${MISSED_MS} ms <b>${share(this.beyond(MISSED_MS), all)}</b></span>
        </div>
        <div class="area" role="img" aria-label=${this.summary(all)}>
          <div class="bars" aria-hidden="true">
            ${heights.map(
              (height, index) =>
                html`<i
                  class=${this.grade(index)}
                  title="${this.label(index)} ms: ${number(this.counts[index]!)}"
                  ${styled({ "block-size": `${(100 * height).toFixed(1)}%` })}
                ></i>`,
            )}
          </div>
          <div class="labels" aria-hidden="true">
            ${heights.map((_, index) => html`<span>${this.boundsMs[index] ?? "more"}</span>`)}
          </div>
          <p class="axis" aria-hidden="true">late by at most, ms; heights are logarithmic</p>
        </div>
        <details @toggle=${this.toggle}>
          <summary>Table<span class="unseen">: ${this.heading}</span></summary>
          ${this.tabled ? this.table(all) : nothing}
        </details>
      </figure>
    `;
  }

  private table(all: number) {
    return html`<div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Late by</th>
            <th scope="col">Ticks</th>
            <th scope="col">Share</th>
          </tr>
        </thead>
        <tbody>
          ${this.counts.map(
            (count, index) =>
              html`<tr>
                <th scope="row">${this.label(index)} ms</th>
                <td>${number(count)}</td>
                <td>${share(count, all)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }

  private label(index: number): string {
    const upper = this.boundsMs[index];
    const lower = this.boundsMs[index - 1];
    if (upper === undefined) return `more than ${lower ?? 0}`;
    return lower === undefined ? `up to ${upper}` : `${lower} to ${upper}`;
  }

  private grade(index: number): string {
    const lower = this.boundsMs[index - 1] ?? 0;
    return lower >= MISSED_MS ? "missed" : lower >= LATE_MS ? "late" : "";
  }

  private beyond(ms: number): number {
    return this.counts.reduce(
      (sum, count, index) => ((this.boundsMs[index - 1] ?? 0) >= ms ? sum + count : sum),
      0,
    );
  }

  private summary(all: number): string {
    return (
      `${this.heading}. ${number(all)} ticks, of which ${share(this.beyond(LATE_MS), all)} began more than ` +
      `${LATE_MS} ms late and ${share(this.beyond(MISSED_MS), all)} more than ${MISSED_MS} ms`
    );
  }

  private toggle(event: Event): void {
    this.tabled = (event.currentTarget as HTMLDetailsElement).open;
  }

  static override styles = [
    theme,
    plotStyles,
    css`
      .bars,
      .labels {
        display: grid;
        grid-auto-flow: column;
        grid-auto-columns: minmax(0, 1fr);
        gap: 3px;
      }
      .bars {
        block-size: calc(var(--_plot-height, 7rem) - 1.1rem);
        align-items: end;
        border-block-end: 1px solid var(--_edge);
      }
      .bars i {
        background: var(--_accent);
        border-radius: 3px 3px 0 0;
        min-block-size: 0;
      }
      .bars .late {
        background: var(--_warn);
      }
      .bars .missed {
        background: var(--_danger);
      }
      .labels,
      .axis {
        font-size: 0.6875rem;
        color: var(--_quiet);
        text-align: center;
        font-variant-numeric: tabular-nums;
      }
      .axis {
        text-align: end;
      }
      @media (forced-colors: active) {
        .bars i {
          background: CanvasText;
        }
      }
    `,
  ];
}
