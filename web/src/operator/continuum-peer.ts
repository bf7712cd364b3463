import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { PALETTE } from "../widgets/colours.js";
import { theme } from "../widgets/theme.js";
import "./continuum-plot.js";
import type { Line } from "./continuum-plot.js";
import { trackKey, tripKey, type History, type TrackFigure } from "./history.js";
import { latest } from "./scale.js";
import { TRACK_NAMES, type Peer, type TrackName } from "./snapshot.js";
import { bitrate, milliseconds, number, percent, TRACK_WORDS } from "./words.js";

const TRACK_COLOURS = Object.fromEntries(
  TRACK_NAMES.map((name, index) => {
    const { light, dark } = PALETTE[[0, 2, 8, 1, 6][index]!]!;
    return [name, `light-dark(${light}, ${dark})`];
  }),
) as Record<TrackName, string>;
const TRIP_COLOUR = "light-dark(#59615c, #a1aba6)";

/** Beyond these a figure is worth a look. */
const WORRYING = { loss: 2, jitter: 30, delay: 120, trip: 300 } as const;

/** One person's connection: a line of figures; opened, each track's plots. */
@customElement("continuum-peer")
export class ContinuumPeer extends LitElement {
  @property() room = "";
  @property({ attribute: false }) peer: Peer | null = null;
  @property({ attribute: false }) history: History | null = null;
  /** Counts up when the history has grown: it is the same object all the time. */
  @property({ type: Number }) revision = 0;
  /** Opened from the start. */
  @property({ type: Boolean }) opened = false;
  @state() private open: boolean | null = null;

  override render() {
    const { peer } = this;
    if (peer === null || this.history === null) return nothing;
    const open = this.open ?? this.opened;
    return html`
      <details ?open=${open} @toggle=${this.toggle} data-testid="peer" data-peer=${peer.id}>
        <summary>
          <span class="id">${peer.id}</span>
          <span class="state ${peer.muted ? "muted" : ""}"
            >${peer.muted ? "muted" : peer.speaking ? "speaking" : ""}</span
          >
          <dl>
            ${this.fact("In", bitrate(this.sum("microphone", "camera")))}
            ${this.fact("Out", bitrate(this.sum("mix", "cameras", "voices")))}
            ${this.fact("Loss", percent(this.worst("loss")), this.worst("loss") > WORRYING.loss)}
            ${this.fact("Jitter", milliseconds(this.worst("jitter")), this.worst("jitter") > WORRYING.jitter)}
            ${this.fact("Delay", milliseconds(this.worst("delay")), this.worst("delay") > WORRYING.delay)}
            ${this.fact("Round trip", milliseconds(peer.rttMs ?? NaN), (peer.rttMs ?? 0) > WORRYING.trip)}
          </dl>
        </summary>
        ${open ? this.plots(peer) : nothing}
      </details>
    `;
  }

  private plots(peer: Peer) {
    const ages = this.history!.ages;
    const trip = this.history!.values(tripKey(this.room, peer.id));
    const plot = (heading: string, lines: Line[], words: (value: number) => string, least: number) =>
      html`<continuum-plot
        .heading=${heading}
        .ages=${ages}
        .lines=${lines}
        .words=${words}
        .least=${least}
      ></continuum-plot>`;
    const drops = [...peer.drops];
    return html`<div class="plots">
        ${plot("Bitrate", this.lines("rate"), bitrate, 10_000)}
        ${plot("Loss, over 5 s", this.lines("loss"), percent, 1)}
        ${plot(
          "Jitter",
          this.lines("jitter").filter(({ values }) => !Number.isNaN(latest(values))),
          milliseconds,
          10,
        )}
        ${plot(
          "Delay",
          [
            ...this.lines("delay", "Jitter buffer"),
            { label: "Round trip", colour: TRIP_COLOUR, values: trip },
          ],
          milliseconds,
          50,
        )}
      </div>
      <dl class="facts">
        ${this.fact("Buffer aims at", milliseconds(peer.buffer.targetMs))}
        ${this.fact("Concealed frames", number(peer.buffer.concealed))}
        ${this.fact(
          "Camera slots",
          `${peer.slots.showing} shown, ${peer.slots.waiting} waiting, ${peer.slots.free} free`,
        )}
        ${this.fact("Layer switches", number(peer.switches))}
        ${this.fact("Can receive", peer.bandwidth === null ? "not said yet" : bitrate(peer.bandwidth))}
        ${this.fact("Budget for cameras", bitrate(peer.budget))}
        ${this.fact(
          "Dropped",
          drops.length === 0
            ? "nothing"
            : drops.map(([reason, count]) => `${number(count)} ${reason}`).join(", "),
        )}
      </dl>`;
  }

  private fact(label: string, value: string, worrying = false) {
    return html`<div class=${worrying ? "worrying" : ""}>
      <dt>${label}</dt>
      <dd>${value}</dd>
    </div>`;
  }

  private lines(figure: TrackFigure, label?: string): Line[] {
    return this.peer!.tracks.filter(({ name }) => figure !== "delay" || name === "microphone").map(
      ({ name }) => ({
        label: label ?? TRACK_WORDS[name],
        colour: TRACK_COLOURS[name],
        values: this.series(name, figure),
      }),
    );
  }

  private series(name: TrackName, figure: TrackFigure): number[] {
    return this.history!.values(trackKey(this.room, this.peer!.id, name, figure));
  }

  private sum(...names: TrackName[]): number {
    const rates = this.peer!.tracks.filter(({ name }) => names.includes(name))
      .map(({ name }) => this.series(name, "rate").at(-1) ?? NaN)
      .filter((rate) => !Number.isNaN(rate));
    return rates.length === 0 ? NaN : rates.reduce((sum, rate) => sum + rate, 0);
  }

  private worst(figure: TrackFigure): number {
    return this.peer!.tracks.map(({ name }) => latest(this.series(name, figure).slice(-3))).reduce(
      (worst, value) => (value > worst || Number.isNaN(worst) ? value : worst),
      NaN,
    );
  }

  private toggle(event: Event): void {
    this.open = (event.currentTarget as HTMLDetailsElement).open;
  }

  static override styles = [
    theme,
    css`
      :host {
        display: block;
        container-type: inline-size;
      }
      details {
        border-block-start: 1px solid var(--_line);
      }
      summary {
        display: grid;
        grid-template-columns: 9.5rem 5rem minmax(0, 1fr) 1rem;
        align-items: center;
        gap: 0.25rem 0.75rem;
        padding: 0.6rem 0;
        cursor: pointer;
        list-style: none;
        border-radius: 0.4rem;
      }
      summary::-webkit-details-marker {
        display: none;
      }
      summary::after {
        content: "";
        inline-size: 0.5rem;
        block-size: 0.5rem;
        border: solid var(--_quiet);
        border-width: 0 2px 2px 0;
        rotate: 45deg;
        grid-column: 4;
        grid-row: 1;
        justify-self: center;
        translate: 0 -0.15rem;
      }
      [open] > summary::after {
        rotate: 225deg;
        translate: 0 0.1rem;
      }
      summary:hover .id {
        text-decoration: underline;
        text-underline-offset: 0.2em;
      }
      .id {
        font-family: ui-monospace, "SF Mono", "Cascadia Mono", "Liberation Mono", monospace;
        font-size: 0.8125rem;
      }
      .state {
        font-size: 0.8125rem;
        color: var(--_accent);
      }
      .muted {
        color: var(--_quiet);
      }
      summary dl {
        display: grid;
        grid-template-columns: repeat(6, minmax(0, 1fr));
        gap: 0.25rem 0.75rem;
      }
      dt {
        font-size: 0.6875rem;
        color: var(--_quiet);
      }
      dd {
        font-size: 0.8125rem;
        font-variant-numeric: tabular-nums;
      }
      .worrying dd {
        color: var(--_danger);
        font-weight: 600;
      }
      .plots {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(15.5rem, 100%), 1fr));
        gap: 1.25rem 1.75rem;
        padding-block: 0.5rem 1rem;
      }
      .facts {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem 1.75rem;
        padding-block-end: 1rem;
      }
      @container (inline-size < 46rem) {
        summary {
          grid-template-columns: max-content minmax(0, 1fr) 1rem;
        }
        summary::after {
          grid-column: 3;
        }
        summary dl {
          grid-column: 1 / -1;
          grid-template-columns: repeat(3, minmax(0, 1fr));
        }
      }
    `,
  ];
}
