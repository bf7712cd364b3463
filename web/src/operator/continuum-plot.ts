import { css, html, LitElement, nothing, svg } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { styled } from "../widgets/styled.js";
import { theme } from "../widgets/theme.js";
import { plotStyles } from "./plot-styles.js";
import { latest, least, linePath, most, nearest, niceTop, windowOf } from "./scale.js";
import { ago, NOTHING } from "./words.js";

export interface Line {
  readonly label: string;
  /** A CSS colour. */
  readonly colour: string;
  /** As long as the plot's `ages`. */
  readonly values: readonly number[];
}

const WIDTH = 600;
const HEIGHT = 120;
/** Ages of the rows of the table. */
const ROWS_MS = [0, 10, 30, 60, 120, 180, 240, 299].map((seconds) => seconds * 1000);
/** A row has the value of a point that is no further off than this. */
const ROW_TOLERANCE_MS = 2_000;

/** Lines over the last minutes, with what they say as words and as a table. */
@customElement("continuum-plot")
export class ContinuumPlot extends LitElement {
  @property() heading = "";
  /** Ms before now, oldest first. */
  @property({ attribute: false }) ages: readonly number[] = [];
  @property({ attribute: false }) lines: readonly Line[] = [];
  @property({ attribute: false }) words: (value: number) => string = String;
  /** What the height shows at the least. */
  @property({ type: Number }) least = 1;
  @state() private pointed: number | null = null;
  @state() private tabled = false;

  override render() {
    const windowMs = windowOf(this.ages);
    const top = niceTop(most(this.lines.map(({ values }) => most(values))), this.least);
    const at = this.pointed === null ? null : nearest(this.ages, this.pointed);
    return html`
      <figure>
        <figcaption><h3>${this.heading}</h3></figcaption>
        <div class="legend" aria-hidden="true">
          ${this.lines.map(
            ({ label, colour, values }) =>
              html`<span
                ><i ${styled({ "border-color": colour })}></i>${label}
                <b>${this.words(at === null ? latest(values) : values[at]!)}</b></span
              >`,
          )}
          ${at === null ? nothing : html`<span class="when">${ago(this.ages[at]!)}</span>`}
        </div>
        <div class="area" role="img" aria-label=${this.summary()}>
          <svg
            viewBox="0 0 ${WIDTH} ${HEIGHT}"
            preserveAspectRatio="none"
            aria-hidden="true"
            @pointermove=${this.point}
            @pointerleave=${() => (this.pointed = null)}
          >
            <path class="rule" d="M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}" />
            <path class="rule base" d="M0 ${HEIGHT}H${WIDTH}" />
            ${
              at === null
                ? nothing
                : svg`<path class="rule base" d="M${WIDTH * (1 - this.ages[at]! / windowMs)} 0V${HEIGHT}" />`
            }
            ${this.lines.map(
              ({ colour, values }) =>
                svg`<path
                  class="line"
                  d=${linePath(this.ages, values, { width: WIDTH, height: HEIGHT, windowMs, top })}
                  ${styled({ stroke: colour })}
                />`,
            )}
          </svg>
          <span class="tick" aria-hidden="true">${this.words(top)}</span>
          <span class="tick middle" aria-hidden="true">${this.words(top / 2)}</span>
          <span class="axis" aria-hidden="true"><span>${ago(windowMs)}</span><span>now</span></span>
        </div>
        <details @toggle=${this.toggle}>
          <summary>Table<span class="unseen">: ${this.heading}</span></summary>
          ${this.tabled ? this.table() : nothing}
        </details>
      </figure>
    `;
  }

  private table() {
    return html`<div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">When</th>
            ${this.lines.map(({ label }) => html`<th scope="col">${label}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${ROWS_MS.filter((age) => age < windowOf(this.ages)).map((age) => {
            const index = nearest(this.ages, age);
            const known = Math.abs((this.ages[index] ?? Infinity) - age) <= ROW_TOLERANCE_MS;
            return html`<tr>
              <th scope="row">${ago(age)}</th>
              ${this.lines.map(
                ({ values }) => html`<td>${known ? this.words(values[index]!) : NOTHING}</td>`,
              )}
            </tr>`;
          })}
        </tbody>
      </table>
    </div>`;
  }

  /** What is to be seen, in words. */
  private summary(): string {
    const said = this.lines.map(({ label, values }) => {
      const low = least(values);
      if (!Number.isFinite(low)) return `${label}: nothing yet`;
      return `${label}: ${this.words(latest(values))} now, ${this.words(low)} to ${this.words(most(values))}`;
    });
    return `${this.heading}, since ${ago(windowOf(this.ages))}. ${said.join(". ")}`;
  }

  private toggle(event: Event): void {
    this.tabled = (event.currentTarget as HTMLDetailsElement).open;
  }

  private point(event: PointerEvent): void {
    if (this.ages.length === 0) return;
    const { left, width } = (event.currentTarget as SVGElement).getBoundingClientRect();
    this.pointed = windowOf(this.ages) * (1 - (event.clientX - left) / width);
  }

  static override styles = [
    theme,
    plotStyles,
    css`
      .area {
        position: relative;
        padding-block-end: 1.25rem;
      }
      svg {
        display: block;
        inline-size: 100%;
        block-size: var(--_plot-height, 7rem);
        overflow: visible;
      }
      .line {
        stroke-width: 1.75;
        vector-effect: non-scaling-stroke;
      }
      .rule {
        stroke: var(--_line);
        stroke-width: 1;
        vector-effect: non-scaling-stroke;
      }
      .base {
        stroke: var(--_edge);
      }
      .tick {
        position: absolute;
        inset-inline-start: 0;
        inset-block-start: 0;
        padding-inline-end: 0.3rem;
        font-size: 0.6875rem;
        line-height: 1.2;
        color: var(--_quiet);
        background: color-mix(in oklab, var(--_surface) 80%, transparent);
        pointer-events: none;
        font-variant-numeric: tabular-nums;
      }
      .middle {
        inset-block-start: calc(var(--_plot-height, 7rem) / 2);
      }
      .axis {
        position: absolute;
        inset-inline: 0;
        inset-block-end: 0;
        display: flex;
        justify-content: space-between;
        font-size: 0.6875rem;
        color: var(--_quiet);
      }
    `,
  ];
}
