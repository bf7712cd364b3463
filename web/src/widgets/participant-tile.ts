import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import type { Participant, Presence } from "../client/index.js";
import * as icons from "./icons.js";
import { styled } from "./styled.js";
import { theme } from "./theme.js";
import { initials, presenceWords, statusWords } from "./words.js";

const streams = new WeakMap<MediaStreamTrack, MediaStream>();

/** One stream for a track, so that a redraw does not restart its picture. */
function streamOf(track: MediaStreamTrack): MediaStream {
  let stream = streams.get(track);
  if (!stream) streams.set(track, (stream = new MediaStream([track])));
  return stream;
}

export interface TileSizeDetail {
  readonly participant: string;
  readonly width: number;
  readonly height: number;
}

/**
 * One participant: picture or portrait, name, what they are doing, and what can be asked of them. Fires `pin` when
 * they are to be pinned or unpinned, `whisper` when we want to speak to them alone, or to all again, `about` when
 * more is to be shown of a persona.
 */
@customElement("continuum-participant")
export class ParticipantTile extends LitElement {
  @property({ attribute: false }) participant!: Participant;
  @property({ attribute: false }) track: MediaStreamTrack | null = null;
  @property({ type: Boolean }) own = false;
  @property({ type: Boolean }) pinned = false;
  /** Whether we whisper to them, or are about to. */
  @property({ type: Boolean }) confided = false;
  /** Whether they whisper to us. */
  @property({ type: Boolean }) confiding = false;
  /** How a persona is. */
  @property({ attribute: false }) presence: Presence | null = null;
  /** Why a persona wants to speak, or stays silent. */
  @property() why = "";

  private readonly sized = new ResizeObserver(() => this.tellSize());

  override connectedCallback(): void {
    super.connectedCallback();
    this.sized.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.sized.disconnect();
    this.tellSize();
  }

  /** Tells how large the picture is, in device pixels: `continuum-tile-size` with `{participant, width, height}`. */
  private tellSize(): void {
    const width = Math.round(this.clientWidth * devicePixelRatio);
    const height = Math.round(this.clientHeight * devicePixelRatio);
    const size = this.isConnected ? { width, height } : { width: 0, height: 0 };
    const detail: TileSizeDetail = { participant: this.participant.id, ...size };
    this.dispatchEvent(new CustomEvent("continuum-tile-size", { detail }));
  }

  @query(".portrait") private readonly portrait!: HTMLElement | null;

  /** How loud this participant is now, 0 to 1; moves the rings without a redraw. */
  setLevel(level: number): void {
    this.portrait?.style.setProperty("--_level", level.toFixed(3));
  }

  override render() {
    const { name, kind, muted, camera, status, speaking } = this.participant;
    const words = this.confiding ? "whispers to you" : statusWords(this.participant);
    const video = camera && this.track;
    // That it rests is why.
    const why = status === "resting" ? "" : this.why;
    const state = status === "away" ? "away" : speaking || status === "speaking" ? "speaking" : status;
    return html`
      <div class="tile ${state} ${kind} ${video ? "filmed" : ""}">
        ${
          video
            ? html`<video
                class=${this.own ? "own" : ""}
                autoplay
                playsinline
                .muted=${true}
                .srcObject=${streamOf(this.track!)}
                aria-label="Camera of ${name}"
              ></video>`
            : html`<div class="portrait" aria-hidden="true">
                <span class="ring outer"></span><span class="ring inner"></span>
                <span class="disc">${initials(name)}</span>
              </div>`
        }
        <div class="plate">
          <p class="name" dir="auto">
            <bdi>${name}</bdi>${this.own ? html`<span class="tag">you</span>` : nothing}
            ${kind === "persona" ? html`<span class="tag kind">persona</span>` : nothing}
          </p>
          <p class="status">${muted && kind === "person" ? icons.microphoneOff : nothing}${words}</p>
          ${why ? html`<p class="why" data-testid="why" title=${why}>${why}</p>` : nothing}
        </div>
        ${this.presence ? this.energy(this.presence) : nothing} ${this.own ? nothing : this.tools()}
      </div>
    `;
  }

  private energy(presence: Presence) {
    const words = presenceWords(presence);
    return html`<span
      class="energy"
      role="img"
      data-testid="energy"
      aria-label=${words}
      title=${words}
      ${styled({ "--_energy": presence.energy.toFixed(2) })}
    ></span>`;
  }

  private tools() {
    const { name, kind } = this.participant;
    return html`<div class="tools">
      <button
        class="tool"
        data-testid="pin"
        aria-label="Pin ${name}"
        aria-pressed=${this.pinned}
        title=${this.pinned ? "Unpin: show whoever is speaking" : "Pin: keep in view, large"}
        @click=${() => this.dispatchEvent(new CustomEvent("pin"))}
      >
        ${icons.pin}
      </button>
      <button
        class="tool"
        data-testid="whisper"
        aria-label="Whisper to ${name}"
        aria-pressed=${this.confided}
        title=${this.confided ? "Speak to all again" : "Whisper: nobody else hears you"}
        @click=${() => this.dispatchEvent(new CustomEvent("whisper"))}
      >
        ${icons.ear}
      </button>
      ${
        kind === "persona"
          ? html`<button
              class="tool"
              data-testid="about"
              aria-label="About ${name}"
              aria-haspopup="dialog"
              title="Trust, history, journal; say how they were"
              @click=${() => this.dispatchEvent(new CustomEvent("about"))}
            >
              ${icons.about}
            </button>`
          : nothing
      }
    </div>`;
  }

  static override styles = [
    theme,
    css`
      :host {
        container-type: inline-size;
        display: grid;
        min-inline-size: 0;
        block-size: 100%;
      }
      .tile {
        position: relative;
        display: flex;
        flex-direction: column;
        align-items: center;
        justify-content: center;
        gap: min(0.9rem, calc(var(--_portrait, 5.5rem) * 0.16));
        padding: 0.75rem;
        border-radius: var(--_radius);
        background: var(--_surface);
        box-shadow: inset 0 0 0 1px var(--_line);
        overflow: hidden;
        transition: box-shadow 200ms ease;
      }
      .tile.speaking {
        box-shadow: inset 0 0 0 2px var(--_colour);
      }
      .portrait {
        --_level: 0;
        position: relative;
        inline-size: var(--_portrait, 5.5rem);
        aspect-ratio: 1;
        margin: calc(var(--_portrait, 5.5rem) * 0.14);
        display: grid;
        place-items: center;
      }
      .disc {
        inline-size: 100%;
        aspect-ratio: 1;
        border-radius: 50%;
        display: grid;
        place-items: center;
        font-size: calc(var(--_portrait, 5.5rem) * 0.33);
        font-weight: 600;
        letter-spacing: 0.02em;
        color: var(--_colour);
        background: color-mix(in oklab, var(--_colour) 14%, var(--_surface));
      }
      .ring {
        position: absolute;
        inset: 0;
        border-radius: 50%;
        border: 2px solid var(--_colour);
        opacity: 0;
        transition:
          opacity 240ms ease,
          transform 90ms linear;
      }
      .speaking .ring {
        opacity: 0.55;
        transform: scale(calc(1.07 + var(--_level) * 0.12));
      }
      .speaking .ring.outer {
        opacity: 0.25;
        transform: scale(calc(1.12 + var(--_level) * 0.26));
      }
      .persona .disc {
        background: radial-gradient(
          circle at 32% 26%,
          color-mix(in oklab, var(--_colour) 6%, var(--_surface)),
          color-mix(in oklab, var(--_colour) 34%, var(--_surface)) 78%
        );
      }
      .persona .ring {
        opacity: 0.35;
        transform: scale(1.1);
      }
      .persona .ring.outer {
        opacity: 0.16;
        transform: scale(1.22);
      }
      .persona.listening .ring {
        animation: breathe 5.5s ease-in-out infinite;
      }
      .persona.listening .ring.outer {
        animation-name: breathe-outer;
        animation-delay: -0.5s;
      }
      .persona.thinking .ring.inner {
        opacity: 0.9;
        border-color: color-mix(in oklab, var(--_colour) 18%, transparent);
        border-block-start-color: var(--_colour);
        animation: turn 1.6s linear infinite;
      }
      .persona.wants-to-speak .ring.inner {
        opacity: 0.9;
        border-color: var(--_accent);
      }
      .resting .portrait {
        opacity: 0.7;
      }
      .resting .ring {
        border-style: dotted;
        animation: breathe 9s ease-in-out infinite;
      }
      .persona.speaking .ring {
        opacity: 0.7;
        transform: scale(calc(1.09 + var(--_level) * 0.14));
      }
      .persona.speaking .ring.outer {
        opacity: 0.32;
        transform: scale(calc(1.16 + var(--_level) * 0.3));
      }
      .away .portrait,
      .connecting .portrait {
        opacity: 0.55;
      }
      .away .ring {
        border-style: dashed;
      }
      @keyframes breathe {
        50% {
          transform: scale(1.05);
          opacity: 0.5;
        }
      }
      @keyframes breathe-outer {
        50% {
          transform: scale(1.13);
          opacity: 0.26;
        }
      }
      @keyframes turn {
        from {
          transform: scale(1.1) rotate(0);
        }
        to {
          transform: scale(1.1) rotate(1turn);
        }
      }
      .plate {
        max-inline-size: 100%;
        text-align: center;
      }
      .name {
        display: flex;
        gap: 0.4rem;
        align-items: baseline;
        justify-content: center;
        font-weight: 600;
      }
      .name bdi {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .tag {
        flex: none;
        font-size: 0.75rem;
        font-weight: 400;
        color: var(--_quiet);
      }
      @container (inline-size < 9rem) {
        .tile {
          gap: 0.4rem;
          padding: 0.75rem 0.5rem;
        }
        .tag.kind {
          position: absolute;
          clip-path: inset(50%);
        }
        .why {
          display: none;
        }
        .persona {
          padding-block-start: 2.1rem;
        }
      }
      .status {
        display: flex;
        gap: 0.25rem;
        align-items: center;
        justify-content: center;
        font-size: 0.8125rem;
        color: var(--_quiet);
      }
      .speaking .status {
        color: var(--_colour);
      }
      .thinking .status {
        color: var(--_warn);
      }
      .wants-to-speak .status {
        color: var(--_accent);
      }
      .why {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
        font-size: 0.75rem;
        color: var(--_quiet);
      }
      .filmed .why {
        display: none;
      }
      .energy {
        position: absolute;
        inset-inline: 30%;
        inset-block-end: 0.45rem;
        block-size: 3px;
        border-radius: 3px;
        background: linear-gradient(var(--_colour), var(--_colour)) 0 / calc(var(--_energy) * 100%) no-repeat
          var(--_line);
      }
      .energy:dir(rtl) {
        background-position: 100%;
      }
      .status svg {
        inline-size: 1.05em;
        block-size: 1.05em;
      }
      video {
        position: absolute;
        inset: 0;
        inline-size: 100%;
        block-size: 100%;
        object-fit: cover;
        background: #000;
      }
      video.own {
        transform: scaleX(-1);
      }
      .filmed .plate {
        position: absolute;
        inset-inline-start: 0.6rem;
        inset-block-end: 0.6rem;
        max-inline-size: calc(100% - 1.2rem);
        display: flex;
        gap: 0.5rem;
        align-items: baseline;
        padding: 0.2rem 0.65rem;
        border-radius: 999px;
        color: #fff;
        background: rgb(0 0 0 / 0.68);
      }
      .filmed .plate * {
        color: #fff;
      }
      .filmed.speaking::after {
        content: "";
        position: absolute;
        inset: 0;
        border-radius: inherit;
        border: 2px solid var(--_colour);
        pointer-events: none;
      }
      .tools {
        position: absolute;
        inset-block-start: 0.4rem;
        inset-inline-end: 0.4rem;
        display: flex;
        flex-direction: column;
        gap: 0.25rem;
      }
      .tool {
        display: grid;
        place-items: center;
        inline-size: 2rem;
        block-size: 2rem;
        padding: 0;
        border: 0;
        border-radius: 50%;
        font-size: 0.8125rem;
        color: var(--_quiet);
        background: color-mix(in oklab, var(--_surface) 82%, transparent);
        transition: opacity 120ms ease;
      }
      .tool:hover {
        color: var(--_ink);
        background: var(--_sunken);
      }
      .tool[aria-pressed="true"] {
        color: var(--_on-accent);
        background: var(--_accent);
      }
      @media (hover: hover) {
        .tile:not(:hover, :focus-within) .tool:not([aria-pressed="true"]) {
          opacity: 0;
        }
      }
      @container (inline-size < 9rem) {
        .tools {
          inset-inline: 0.2rem;
          inset-block-start: 0.2rem;
          flex-direction: row;
          justify-content: space-between;
          pointer-events: none;
        }
        .tool {
          pointer-events: auto;
        }
      }
      @media (pointer: coarse) {
        .tool {
          inline-size: 2.5rem;
          block-size: 2.5rem;
        }
        .tools {
          inset-block-start: 0.2rem;
          inset-inline-end: 0.2rem;
        }
      }
    `,
  ];
}
