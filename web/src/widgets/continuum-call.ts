import { html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query, queryAll, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { styled } from "./styled.js";
import { ContinuumClient, inviteOf, Problem, requestToken, type Participant } from "../client/index.js";
import { callStyles } from "./call-styles.js";
import { Colours } from "./colours.js";
import "./continuum-captions.js";
import { ContinuumChat } from "./continuum-chat.js";
import { ControlBar, type Control } from "./control-bar.js";
import type { DeviceChoice } from "./device-panel.js";
import "./device-panel.js";
import * as icons from "./icons.js";
import "./join-screen.js";
import "./latency-meter.js";
import { ClientObserver } from "./observe.js";
import "./persona-card.js";
import { ParticipantTile, type TileSizeDetail } from "./participant-tile.js";
import {
  recallName,
  recallNoiseSuppression,
  recallPerson,
  rememberName,
  rememberNoiseSuppression,
} from "./remembered.js";
import { connectionWords, explain, queueWords, speakingWords, whisperWords, whyWords } from "./words.js";

const NARROW_PX = 900;
const MANY = 6;
const KEYS: Readonly<Record<string, Control>> = {
  m: "mute",
  v: "camera",
  c: "captions",
  t: "chat",
  d: "devices",
};

/**
 * A whole call: the way in, then the room. Attributes: `room`, `server` (an origin; default: the page's), `token`
 * (a `join` token, where the embedding page has one), `invite` (default: `#invite=…` of the page), `name`.
 * Fires `continuum-client` with the `ContinuumClient` of each call it makes.
 */
@customElement("continuum-call")
export class ContinuumCall extends LitElement {
  @property() room = "lobby";
  @property() server = location.origin;
  @property() token = "";
  @property() invite = "";
  @property() name = "";

  @state() client: ContinuumClient | null = null;
  @state() private phase: "outside" | "joining" | "inside" = "outside";
  @state() private problem: Problem | null = null;
  @state() private notices: readonly Problem[] = [];
  @state() private left = false;
  @state() private showCaptions = true;
  @state() private showChat = false;
  @state() private showDevices = false;
  @state() private soundBlocked = false;
  @state() private speaker = "";
  @state() private seenChat = 0;
  /** The persona whose card is open. */
  @state() private about = "";

  @query(".frame") private readonly frame!: HTMLElement;
  @query("audio") private readonly audio!: HTMLAudioElement | null;
  @query("continuum-chat") private readonly chat!: ContinuumChat | null;
  @query("continuum-controls") private readonly controls!: ControlBar | null;
  @queryAll("continuum-participant") private readonly tiles!: NodeListOf<ParticipantTile>;
  private colours = new Colours();
  private sound: MediaStream | null = null;
  private animation = 0;
  private odd = false;

  constructor() {
    super();
    new ClientObserver(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    cancelAnimationFrame(this.animation);
    this.client?.leave();
  }

  override willUpdate(): void {
    if (this.showChat) this.seenChat = this.client?.room.chat.length ?? 0;
  }

  override updated(changed: PropertyValues): void {
    if (!changed.has("phase")) return;
    if (this.phase === "inside") {
      this.frame.focus({ preventScroll: true });
      this.followLevels();
    } else {
      cancelAnimationFrame(this.animation);
    }
  }

  private async join(name: string): Promise<void> {
    rememberName(name);
    this.name = name;
    const invite = this.invite || inviteOf(location.hash);
    const client = new ContinuumClient({
      server: this.server,
      name,
      noiseSuppression: recallNoiseSuppression(),
      token: async () =>
        this.token ||
        requestToken({ server: this.server, room: this.room, name, invite, person: recallPerson() }),
    });
    this.client = client;
    this.colours = new Colours();
    this.problem = null;
    this.notices = [];
    this.seenChat = 0;
    this.phase = "joining";
    client.on("audio", (stream) => void this.play(stream));
    client.on("problem", (problem) => this.notice(problem));
    client.on("ended", (problem) => this.ended(client, problem));
    this.dispatchEvent(
      new CustomEvent("continuum-client", { detail: client, bubbles: true, composed: true }),
    );
    try {
      await client.join();
    } catch (error) {
      // `ended` has already shown why; anything else is a fault of ours and must surface.
      if (!(error instanceof Problem)) throw error;
      return;
    }
    this.showChat = this.frame.clientWidth >= NARROW_PX || client.microphone === null;
    this.seenChat = client.room.chat.length;
    this.phase = "inside";
  }

  private ended(client: ContinuumClient, problem: Problem | null): void {
    if (this.client !== client) return;
    this.client = null;
    this.sound = null;
    this.soundBlocked = false;
    this.showDevices = false;
    this.about = "";
    this.problem = problem;
    this.left = problem === null;
    this.phase = "outside";
  }

  private notice(problem: Problem): void {
    this.notices = [...this.notices.filter((known) => known.code !== problem.code), problem].slice(-3);
  }

  private async play(stream: MediaStream | null): Promise<void> {
    this.sound = stream;
    await this.updateComplete;
    const audio = this.audio;
    if (!audio || !stream) return;
    if (audio.srcObject !== stream) audio.srcObject = stream;
    try {
      await audio.play();
      this.soundBlocked = false;
      void this.client?.resumeMeters();
    } catch (error) {
      // AbortError: a newer stream took this one's place while it was starting.
      if (!(error instanceof DOMException) || error.name === "NotAllowedError") this.soundBlocked = true;
    }
  }

  private followLevels(): void {
    this.animation = requestAnimationFrame(() => this.followLevels());
    this.odd = !this.odd;
    const client = this.client;
    if (this.odd || !client) return;
    const own = client.readLevel();
    const heard = client.readRoomLevel();
    this.controls?.setLevel(own);
    for (const tile of this.tiles) tile.setLevel(!tile.participant.speaking ? 0 : tile.own ? own : heard);
  }

  private async press(control: Control): Promise<void> {
    const client = this.client;
    if (!client) return;
    switch (control) {
      case "mute":
        if (client.microphone) client.setMuted(!client.muted);
        else await this.unmuteWith(client);
        break;
      case "camera":
        await (client.camera ? client.stopCamera() : client.useCamera());
        break;
      case "captions":
        this.showCaptions = !this.showCaptions;
        break;
      case "chat":
        this.showChat = !this.showChat;
        if (this.showChat) {
          await this.updateComplete;
          this.chat?.focus();
        } else {
          this.frame.focus({ preventScroll: true });
        }
        break;
      case "devices":
        this.showDevices = !this.showDevices;
        break;
      case "leave":
        client.leave();
        break;
    }
  }

  private async unmuteWith(client: ContinuumClient): Promise<void> {
    await client.useMicrophone();
    if (client.microphone)
      this.notices = this.notices.filter((known) => !known.code.startsWith("microphone-"));
  }

  private async choose({ kind, id }: DeviceChoice): Promise<void> {
    if (kind === "microphone") await this.client?.useMicrophone(id);
    else if (kind === "camera") await this.client?.useCamera(id);
    else {
      await this.audio?.setSinkId(id);
      this.speaker = id;
    }
  }

  private async suppress(on: boolean): Promise<void> {
    rememberNoiseSuppression(on);
    await this.client?.setNoiseSuppression(on);
  }

  private onKey(event: KeyboardEvent): void {
    if (this.phase !== "inside" || this.about || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && this.showDevices) {
      this.showDevices = false;
      this.frame.focus({ preventScroll: true });
      return;
    }
    const target = event.composedPath()[0];
    if (target instanceof HTMLElement && target.matches("input, textarea, select")) return;
    const control = KEYS[event.key.toLowerCase()];
    if (!control || event.repeat) return;
    event.preventDefault();
    void this.press(control);
  }

  override render() {
    return html`
      <div
        class="frame"
        tabindex="-1"
        @keydown=${this.onKey}
        @continuum-problem=${(event: CustomEvent<Problem>) => this.notice(event.detail)}
      >
        ${this.phase === "inside" && this.client ? this.inside(this.client) : this.outside()}
        ${this.client ? html`<audio data-testid="remote-audio"></audio>` : nothing}
      </div>
    `;
  }

  private outside() {
    return html`<continuum-join
      .room=${this.room}
      .name=${this.name || recallName()}
      .busy=${this.phase === "joining"}
      .note=${this.left && !this.problem ? "You have left. Come back any time." : ""}
      .problem=${this.problem}
      @join=${(event: CustomEvent<string>) => void this.join(event.detail)}
    ></continuum-join>`;
  }

  private inside(client: ContinuumClient) {
    const { room } = client;
    const people = [...room.participants.values()];
    const waiting = room.floor.queue.map(({ id }) => room.participants.get(id)?.name ?? "somebody");
    const speaking = people
      .filter((participant) => participant.speaking)
      .map((participant) => participant.name);
    return html`
      <header>
        <h1><bdi>${room.room}</bdi></h1>
        <p class="speaking" aria-hidden="true">
          ${speakingWords(speaking)}<span class="queue" data-testid="queue">${queueWords(waiting)}</span>
        </p>
        <continuum-latency .latency=${room.latency}></continuum-latency>
        ${this.connectionPill(client)}
      </header>
      ${this.banners(client)}
      <div class="body ${this.showChat ? "with-chat" : ""}">
        <main class=${this.showCaptions ? "" : "bare"}>
          <ul
            class="tiles ${people.length > MANY ? "many" : ""}"
            data-testid="participants"
            aria-label="Participants"
            role="list"
            data-count=${people.length}
          >
            ${repeat(
              people,
              (participant) => participant.id,
              (participant) => this.tile(client, participant),
            )}
          </ul>
          ${
            this.showCaptions
              ? html`<continuum-captions .client=${client} .colours=${this.colours}></continuum-captions>`
              : nothing
          }
        </main>
        ${
          this.showChat
            ? html`<aside aria-label="Chat">
                <div class="aside-head">
                  <h2>Chat</h2>
                  <button class="plain" aria-label="Close chat" @click=${() => void this.press("chat")}>
                    ${icons.close}
                  </button>
                </div>
                <continuum-chat .client=${client} .colours=${this.colours}></continuum-chat>
              </aside>`
            : nothing
        }
      </div>
      ${
        this.soundBlocked
          ? html`<button
              class="primary tap"
              data-testid="tap-to-hear"
              @click=${() => void this.play(this.sound)}
            >
              ${icons.sound} Tap to hear the room
            </button>`
          : nothing
      }
      <footer>
        ${
          this.showDevices
            ? html`<continuum-devices
                .client=${client}
                .speaker=${this.speaker}
                @choose=${(event: CustomEvent<DeviceChoice>) => void this.choose(event.detail)}
                @suppress=${(event: CustomEvent<boolean>) => void this.suppress(event.detail)}
              ></continuum-devices>`
            : nothing
        }
        <continuum-controls
          .muted=${client.muted}
          .microphone=${client.microphone !== null}
          .camera=${client.camera !== null}
          .captions=${this.showCaptions}
          .chat=${this.showChat}
          .devices=${this.showDevices}
          .unread=${Math.max(0, room.chat.length - this.seenChat)}
          @control=${(event: CustomEvent<Control>) => void this.press(event.detail)}
        ></continuum-controls>
      </footer>
      ${
        this.about
          ? html`<continuum-persona-card
              .client=${client}
              .persona=${this.about}
              @close=${() => (this.about = "")}
            ></continuum-persona-card>`
          : nothing
      }
    `;
  }

  private connectionPill(client: ContinuumClient) {
    const words = connectionWords(client.connectionState);
    const { media } = client;
    const details = [
      media?.roundTrip != null ? `round trip ${Math.round(media.roundTrip)} ms` : "",
      media ? `${(media.loss * 100).toFixed(1)} % lost` : "",
      media?.buffer != null ? `${Math.round(media.buffer)} ms buffered` : "",
    ].filter((detail) => detail !== "");
    return html`<p
      class="connection ${client.connectionState}"
      data-testid="connection-state"
      data-state=${client.connectionState}
      data-media=${client.mediaState}
      title=${[words, ...details].join(" · ")}
    >
      <i aria-hidden="true"></i><span>${words}</span>
    </p>`;
  }

  private banners(client: ContinuumClient) {
    return html`<div class="banners">
      <div role="status">
        ${
          client.connectionState === "reconnecting"
            ? html`<p class="banner" data-testid="reconnecting">
                The connection was lost. Reconnecting; your seat is kept, and what you write is sent
                afterwards.
              </p>`
            : nothing
        }
        ${this.whisper(client)}
      </div>
      ${this.notices.map((problem) => {
        const { title, advice } = explain(problem);
        return html`<div class="notice" role="alert" data-testid="problem" data-code=${problem.code}>
          <p><strong>${title}.</strong> ${advice}</p>
          <button
            class="plain"
            aria-label="Dismiss"
            @click=${() => (this.notices = this.notices.filter((known) => known !== problem))}
          >
            ${icons.close}
          </button>
        </div>`;
      })}
    </div>`;
  }

  /** To whom we whisper, as the server has it; until it does, what is said is still for all. */
  private whisper(client: ContinuumClient) {
    const listeners = client.room.whispers.get(client.room.you);
    if (!listeners) return nothing;
    const names = listeners.map((id) => client.room.participants.get(id)?.name ?? "someone");
    return html`<p class="banner whispering" data-testid="whispering">
      ${icons.ear}<span><bdi>${whisperWords(names)}</bdi></span>
      <button data-testid="speak-to-all" @click=${() => client.whisper([])}>Speak to all</button>
    </p>`;
  }

  private tile(client: ContinuumClient, participant: Participant) {
    return html`<li
      data-testid="participant"
      data-id=${participant.id}
      data-name=${participant.name}
      data-kind=${participant.kind}
      data-speaking=${participant.speaking}
      data-status=${participant.status}
      data-muted=${participant.muted}
      class=${client.room.pinned === participant.id ? "pinned" : ""}
      ${styled({ "--_colour": this.colours.of(participant.id, participant.name) })}
    >
      <continuum-participant
        .participant=${participant}
        .own=${participant.id === client.room.you}
        .pinned=${participant.id === client.room.pinned}
        .confided=${client.whisperTo.includes(participant.id)}
        .confiding=${participant.id !== client.room.you && client.room.whispers.has(participant.id)}
        .track=${client.videoTrackOf(participant.id)}
        .presence=${client.room.presences.get(participant.id) ?? null}
        .why=${whyWords(client.room.floor, participant.id)}
        @about=${() => (this.about = participant.id)}
        @continuum-tile-size=${({ detail }: CustomEvent<TileSizeDetail>) =>
          client.setTileSize(detail.participant, detail.width, detail.height)}
        @whisper=${() => client.whisper(client.whisperTo.includes(participant.id) ? [] : [participant.id])}
        @pin=${() => client.pin(client.room.pinned === participant.id ? null : participant.id)}
      ></continuum-participant>
    </li>`;
  }

  static override styles = callStyles;
}
