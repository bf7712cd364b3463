import { css, html, LitElement } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { styled } from "../widgets/styled.js";
import { theme } from "../widgets/theme.js";
import { plotStyles } from "./plot-styles.js";
import { most } from "./scale.js";
import { number } from "./words.js";

export interface Drop {
  readonly reason: string;
  /** In the window. */
  readonly recent: number;
  /** Since the server began. */
  readonly total: number;
}

const FEW = 8;

/** What was dropped, by reason: a bar each, and the numbers. */
@customElement("continuum-drops")
export class ContinuumDrops extends LitElement {
  @property() heading = "";
  @property({ attribute: false }) drops: readonly Drop[] = [];
  @state() private all = false;

  override render() {
    const shown = this.all ? this.drops : this.drops.slice(0, FEW);
    const longest = Math.max(1, most(this.drops.map(({ recent }) => recent)));
    return html`
      <figure>
        <figcaption><h3>${this.heading}</h3></figcaption>
        ${
          this.drops.length === 0
            ? html`<p class="none">Nothing was dropped since the server began.</p>`
            : html`<div class="scroll">
                <table data-testid="drops">
                  <thead>
                    <tr>
                      <th scope="col">Reason</th>
                      <th class="bar" aria-hidden="true"></th>
                      <th scope="col">5 min</th>
                      <th scope="col">All</th>
                    </tr>
                  </thead>
                  <tbody>
                    ${repeat(
                      shown,
                      ({ reason }) => reason,
                      ({ reason, recent, total }) =>
                        html`<tr data-reason=${reason}>
                          <th scope="row">${reason}</th>
                          <td class="bar" aria-hidden="true">
                            <i
                              ${styled({ "inline-size": `${recent && Math.max(2, (100 * recent) / longest).toFixed(1)}%` })}
                            ></i>
                          </td>
                          <td>${number(recent)}</td>
                          <td>${number(total)}</td>
                        </tr>`,
                    )}
                  </tbody>
                </table>
              </div>`
        }
        ${
          this.drops.length > FEW
            ? html`<button class="plain" aria-expanded=${this.all} @click=${() => (this.all = !this.all)}>
                ${this.all ? "Fewer" : `All ${this.drops.length} reasons`}
              </button>`
            : ""
        }
      </figure>
    `;
  }

  static override styles = [
    theme,
    plotStyles,
    css`
      table {
        font-size: 0.8125rem;
      }
      .bar {
        inline-size: 30%;
        min-inline-size: 2.5rem;
      }
      .bar i {
        display: block;
        block-size: 0.5rem;
        border-radius: 2px;
        background: var(--_warn);
      }
      td:last-child {
        color: var(--_quiet);
      }
      .none {
        color: var(--_quiet);
        font-size: 0.875rem;
      }
      .plain {
        justify-self: start;
        line-height: 1.4;
        font-size: 0.8125rem;
        padding: 0.2rem 0.5rem;
        margin-inline-start: -0.5rem;
      }
    `,
  ];
}
