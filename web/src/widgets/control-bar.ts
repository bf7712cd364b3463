import { css, html, LitElement, nothing, type SVGTemplateResult } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import * as icons from "./icons.js";
import { theme } from "./theme.js";

export type Control = "mute" | "camera" | "captions" | "chat" | "devices" | "leave";

interface Look {
  readonly icon: SVGTemplateResult;
  /** The short word under the icon. */
  readonly word: string;
  /** What pressing it does, for the tooltip and the screen reader. */
  readonly action: string;
  readonly key?: string;
  readonly tone?: "off" | "on";
  readonly expanded?: boolean;
}

/** The six buttons of a call. Pressing one fires `control` with its name. */
@customElement("continuum-controls")
export class ControlBar extends LitElement {
  @property({ type: Boolean }) muted = false;
  /** Whether there is a microphone at all. */
  @property({ type: Boolean }) microphone = false;
  @property({ type: Boolean }) camera = false;
  @property({ type: Boolean }) captions = false;
  @property({ type: Boolean }) chat = false;
  @property({ type: Boolean }) devices = false;
  @property({ type: Number }) unread = 0;

  @query(".meter") private readonly meter!: HTMLElement | null;

  /** How loud the own microphone is, 0 to 1; moves the meter without a redraw. */
  setLevel(level: number): void {
    this.meter?.style.setProperty("--_level", level.toFixed(3));
  }

  override render() {
    const unread = this.unread > 0 ? `, ${this.unread} unread` : "";
    return html`
      <div role="toolbar" aria-label="Call controls">
        ${this.button("mute", this.microphoneLook())}
        ${this.button("camera", {
          icon: this.camera ? icons.camera : icons.cameraOff,
          word: "Camera",
          action: this.camera ? "Turn camera off" : "Turn camera on",
          key: "V",
          tone: this.camera ? "on" : undefined,
        })}
        ${this.button("captions", {
          icon: icons.captions,
          word: "Captions",
          action: this.captions ? "Turn captions off" : "Turn captions on",
          key: "C",
          tone: this.captions ? "on" : undefined,
        })}
        ${this.button("chat", {
          icon: icons.chat,
          word: "Chat",
          action: (this.chat ? "Close chat" : "Open chat") + unread,
          key: "T",
          tone: this.chat ? "on" : undefined,
          expanded: this.chat,
        })}
        ${this.button("devices", {
          icon: icons.devices,
          word: "Devices",
          action: "Choose devices",
          key: "D",
          tone: this.devices ? "on" : undefined,
          expanded: this.devices,
        })}
        ${this.button("leave", { icon: icons.leave, word: "Leave", action: "Leave the call" })}
      </div>
    `;
  }

  private microphoneLook(): Look {
    if (!this.microphone) {
      return {
        icon: icons.microphoneOff,
        word: "No mic",
        action: "Turn microphone on",
        key: "M",
        tone: "off",
      };
    }
    return this.muted
      ? { icon: icons.microphoneOff, word: "Muted", action: "Unmute microphone", key: "M", tone: "off" }
      : { icon: icons.microphone, word: "Mute", action: "Mute microphone", key: "M" };
  }

  private button(control: Control, look: Look) {
    return html`<button
      class="${control} ${look.tone ?? ""}"
      data-testid=${control}
      aria-label=${look.action}
      aria-keyshortcuts=${look.key ?? nothing}
      aria-expanded=${look.expanded ?? nothing}
      title=${look.key ? `${look.action} (${look.key})` : look.action}
      @click=${() => this.dispatchEvent(new CustomEvent<Control>("control", { detail: control }))}
    >
      <span class="face">
        ${control === "mute" && this.microphone && !this.muted ? html`<span class="meter"></span>` : nothing}
        ${look.icon}
        ${
          control === "chat" && this.unread > 0
            ? html`<span class="badge" aria-hidden="true">${Math.min(this.unread, 99)}</span>`
            : nothing
        }
      </span>
      <span class="word" aria-hidden="true">${look.word}</span>
    </button>`;
  }

  static override styles = [
    theme,
    css`
      :host {
        display: block;
      }
      [role="toolbar"] {
        display: flex;
        justify-content: center;
        gap: clamp(0.25rem, 1.8cqi, 0.9rem);
      }
      button {
        border: 0;
        padding: 0;
        background: none;
        display: grid;
        justify-items: center;
        gap: 0.25rem;
        min-inline-size: 3.125rem;
        border-radius: 1rem;
        outline-offset: 4px;
      }
      .face {
        position: relative;
        inline-size: 3.125rem;
        block-size: 3.125rem;
        border-radius: 50%;
        display: grid;
        place-items: center;
        background: var(--_sunken);
        color: var(--_ink);
        overflow: hidden;
        transition:
          background 140ms ease,
          color 140ms ease;
      }
      @media (hover: hover) {
        button:hover .face {
          background: color-mix(in oklab, var(--_ink) 12%, var(--_sunken));
        }
      }
      .on .face {
        color: var(--_accent);
        background: color-mix(in oklab, var(--_accent) 15%, var(--_surface));
      }
      .off .face {
        color: var(--_danger);
        background: color-mix(in oklab, var(--_danger) 14%, var(--_surface));
      }
      .leave .face,
      button.leave:hover .face {
        color: var(--_on-danger);
        background: var(--_danger);
      }
      button.leave:hover .face {
        filter: brightness(1.1);
      }
      .leave svg {
        fill: currentColor;
        stroke: none;
        inline-size: 1.6rem;
        block-size: 1.6rem;
      }
      .meter {
        --_level: 0;
        position: absolute;
        inset: 0;
        background: color-mix(in oklab, var(--_accent) 34%, transparent);
        transform-origin: bottom;
        transform: scaleY(var(--_level));
      }
      svg {
        position: relative;
      }
      .chat .face {
        overflow: visible;
      }
      .badge {
        position: absolute;
        inset-block-start: -0.15rem;
        inset-inline-end: -0.15rem;
        min-inline-size: 1.25rem;
        padding-inline: 0.3rem;
        border-radius: 999px;
        font-size: 0.75rem;
        font-weight: 600;
        line-height: 1.25rem;
        color: var(--_on-accent);
        background: var(--_accent);
      }
      .word {
        font-size: 0.75rem;
        color: var(--_quiet);
      }
      @container call (inline-size < 30rem) {
        .word {
          display: none;
        }
      }
    `,
  ];
}
