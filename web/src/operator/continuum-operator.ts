import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { openWebSocket, type OpenSocket } from "../client/socket.js";
import { PALETTE } from "../widgets/colours.js";
import "./continuum-drops.js";
import "./continuum-histogram.js";
import "./continuum-peer.js";
import "./continuum-plot.js";
import type { Line } from "./continuum-plot.js";
import { Feed, operatorUrl, type FeedState } from "./feed.js";
import { History, roomKey, WINDOW_S, type Figure } from "./history.js";
import { operatorStyles } from "./operator-styles.js";
import type { Room, Snapshot } from "./snapshot.js";
import {
  ago,
  bitrate,
  FEED_WORDS,
  lasted,
  milliseconds,
  number,
  people,
  percent,
  perSecond,
} from "./words.js";

const MANY_ROOMS = 12;
const MANY_PEERS = 20;
/** Sums of as many lines as a plot has; the palette's colours that are told apart best. */
const [BLUE, ORANGE, PURPLE, GREEN] = [0, 2, 1, 8].map((index) => {
  const { light, dark } = PALETTE[index]!;
  return `light-dark(${light}, ${dark})`;
}) as [string, string, string, string];

/** How a server does, for whoever runs it: rooms, people's connections, the clock, as plots of the last minutes. */
@customElement("continuum-operator")
export class ContinuumOperator extends LitElement {
  @property() server = location.origin;
  /** Handed in by tests. */
  @property({ attribute: false }) openSocket: OpenSocket = openWebSocket;

  @state() private feedState: FeedState = "connecting";
  @state() private reason = "";
  @state() private shown: History = new History();
  @state() private revision = 0;
  @state() private paused = false;
  @state() private chosen: string | null = null;
  @state() private wanted = "";
  @state() private allRooms = false;
  @state() private allPeers = false;
  @state() private keyed = false;
  @query("#key") private readonly keyField!: HTMLInputElement | null;

  private feed: Feed | null = null;
  private waiting: Snapshot[] = [];
  private receivedAt = 0;
  private clock: ReturnType<typeof setInterval> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.feed = new Feed(operatorUrl(this.server), this.openSocket, {
      state: (state, reason) => this.enter(state, reason),
      snapshot: (snapshot) => this.take(snapshot),
    });
    this.feed.start();
    // While the line is lost the page says for how long.
    this.clock = setInterval(() => {
      if (this.feedState === "lost") this.requestUpdate();
    }, 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.clock);
    this.feed?.stop();
    this.feed = null;
  }

  private enter(state: FeedState, reason: string): void {
    this.feedState = state;
    this.reason = reason;
    if (state === "locked") void this.updateComplete.then(() => this.keyField?.focus());
  }

  private take(snapshot: Snapshot): void {
    this.receivedAt = performance.now();
    if (this.paused) {
      this.waiting.push(snapshot);
      if (this.waiting.length > WINDOW_S) this.waiting.shift();
      return;
    }
    this.shown.add(snapshot);
    this.revision += 1;
  }

  private pause(): void {
    this.paused = !this.paused;
    if (this.paused) return;
    for (const snapshot of this.waiting) this.shown.add(snapshot);
    this.waiting = [];
    this.revision += 1;
  }

  private unlock(event: Event): void {
    event.preventDefault();
    const key = this.keyField?.value.trim();
    if (!key) {
      this.keyField?.focus();
      return;
    }
    this.keyed = true;
    this.feed?.start(key);
  }

  override render() {
    const snapshot = this.shown.newest;
    return html`
      <header>
        <h1>Operator</h1>
        ${snapshot ? html`<p class="server">${this.serverWords(snapshot)}</p>` : nothing}
        ${
          snapshot
            ? html`<button class="pause" aria-pressed=${this.paused} @click=${this.pause}>
                ${this.paused ? "Resume" : "Pause"}
              </button>`
            : nothing
        }
        <p class="connection ${this.feedState}" role="status" data-testid="feed" data-state=${this.feedState}>
          <i aria-hidden="true"></i><span>${this.paused ? "Paused" : FEED_WORDS[this.feedState]}</span>
        </p>
      </header>
      ${this.notice(snapshot)}
      ${
        this.feedState === "locked"
          ? this.lock()
          : snapshot
            ? html`<main class=${this.feedState === "live" ? "" : "stale"}>
                ${this.tiles(snapshot)} ${this.whole(snapshot)} ${this.rooms(snapshot)}
              </main>`
            : nothing
      }
    `;
  }

  private serverWords(snapshot: Snapshot): string {
    const up = lasted(Date.parse(snapshot.at) - Date.parse(snapshot.started));
    const mind = snapshot.mind === "up" ? "the mind is up" : `the mind is ${snapshot.mind}`;
    return `Continuum ${snapshot.server}, up for ${up}, ${mind}`;
  }

  private notice(snapshot: Snapshot | null) {
    if (this.feedState === "refused")
      return html`<p class="notice" role="alert">The server ended the connection: ${this.reason}</p>`;
    if (this.feedState !== "lost") {
      return this.feedState === "connecting" && snapshot === null
        ? html`<p class="waiting">Asking the server how it does…</p>`
        : nothing;
    }
    const age = ago(performance.now() - this.receivedAt);
    return html`<p class="notice" role="alert" data-testid="lost">
      The server does not answer${this.reason ? ` (${this.reason})` : ""}; trying again.
      ${snapshot ? html`<span aria-hidden="true">What is shown is from ${age}.</span>` : nothing}
    </p>`;
  }

  private lock() {
    return html`<form @submit=${this.unlock} novalidate>
      <h2>This page needs the server's key</h2>
      <p>
        From another machine than the server's own only its key opens it: the one line of the file
        <code>key</code> in the server's state directory.
      </p>
      ${
        this.keyed
          ? html`<p class="wrong" role="alert" data-testid="wrong-key">That is not this server's key.</p>`
          : nothing
      }
      <label for="key">Key</label>
      <input
        id="key"
        class="field"
        type="password"
        autocomplete="current-password"
        spellcheck="false"
        maxlength="1024"
        required
        aria-invalid=${this.keyed}
      />
      <button class="primary">Open</button>
    </form>`;
  }

  private tiles(snapshot: Snapshot) {
    const { network, plane } = snapshot;
    const persons = snapshot.rooms.reduce((sum, room) => sum + room.persons, 0);
    const personas = snapshot.rooms.reduce((sum, room) => sum + room.personas, 0);
    const last = (figure: Figure) => this.shown.figure(figure).at(-1) ?? NaN;
    const tile = (label: string, value: string, more: string) =>
      html`<div>
        <dt>${label}</dt>
        <dd>${value} <small>${more}</small></dd>
      </div>`;
    return html`<dl class="tiles">
      ${tile("Rooms", number(snapshot.rooms.length), `${plane.active} active`)}
      ${tile("People", number(persons), `${network.connected} connected`)}
      ${tile("Personas", number(personas), "")} ${tile("Received", bitrate(last("received")), "")}
      ${tile("Sent", bitrate(last("sent")), "")} ${tile("Encodes", perSecond(last("encodes")), "")}
      ${tile("Late ticks", perSecond(last("late")), `${number(plane.skipped)} skipped in all`)}
    </dl>`;
  }

  private whole(snapshot: Snapshot) {
    const history = this.shown;
    const ages = history.ages;
    const line = (label: string, colour: string, figure: Figure): Line => ({
      label,
      colour,
      values: history.figure(figure),
    });
    const plot = (heading: string, words: (value: number) => string, least: number, ...lines: Line[]) =>
      html`<continuum-plot
        class="card"
        data-testid="plot"
        .heading=${heading}
        .ages=${ages}
        .lines=${lines}
        .words=${words}
        .least=${least}
      ></continuum-plot>`;
    return html`<section aria-labelledby="whole">
      <h2 id="whole">The server</h2>
      <div class="plots">
        ${plot("Bitrate", bitrate, 100_000, line("received", BLUE, "received"), line("sent", ORANGE, "sent"))}
        <continuum-histogram
          class="card"
          .heading=${"Tick lateness, last 5 minutes"}
          .boundsMs=${snapshot.plane.lateness.boundsMs}
          .counts=${history.lateness}
        ></continuum-histogram>
        ${plot(
          "Late and skipped ticks",
          perSecond,
          5,
          line("late", BLUE, "late"),
          line("skipped", ORANGE, "skipped"),
        )}
        ${plot(
          "Rooms and people",
          number,
          4,
          line("rooms", BLUE, "rooms"),
          line("people", ORANGE, "persons"),
        )}
        ${plot("Encodes", perSecond, 50, line("frames", BLUE, "encodes"))}
        ${plot("Loss of people's sound", percent, 1, line("lost", BLUE, "loss"))}
        ${plot(
          "Delay and jitter",
          milliseconds,
          20,
          line("held in buffers", BLUE, "delay"),
          line("worst jitter", ORANGE, "jitter"),
        )}
        ${plot(
          "Forwarding",
          perSecond,
          5,
          line("sent again", BLUE, "retransmissions"),
          line("asked for again", ORANGE, "nacks"),
          line("keyframe requests", PURPLE, "keyframes"),
          line("layer switches", GREEN, "switches"),
        )}
        ${plot(
          "Noise suppression",
          (value) => (Number.isNaN(value) ? percent(value) : `${percent(value)} of a core`),
          1,
          line("cost", BLUE, "cleaning"),
        )}
        <div class="card dropped">
          <continuum-plot
            .heading=${"Dropped packets and messages"}
            .ages=${ages}
            .lines=${[line("all reasons", BLUE, "drops")]}
            .words=${perSecond}
            .least=${5}
          ></continuum-plot>
          <continuum-drops .heading=${"Dropped, by reason"} .drops=${history.drops}></continuum-drops>
        </div>
      </div>
    </section>`;
  }

  private rooms(snapshot: Snapshot) {
    const found = snapshot.rooms
      .filter(({ id }) => id.toLowerCase().includes(this.wanted.toLowerCase()))
      .sort(
        (one, other) =>
          other.persons - one.persons || one.id.localeCompare(other.id, "en", { numeric: true }),
      );
    const listed = this.allRooms ? found : found.slice(0, MANY_ROOMS);
    const chosen = snapshot.rooms.find(({ id }) => id === this.chosen) ?? (this.chosen ? null : found[0]);
    return html`<section aria-labelledby="rooms">
      <div class="rooms-head">
        <h2 id="rooms">Rooms</h2>
        ${
          snapshot.rooms.length > MANY_ROOMS
            ? html`<input
                class="field"
                type="search"
                aria-label="Find a room"
                placeholder="Find a room"
                .value=${this.wanted}
                @input=${(event: Event) => (this.wanted = (event.target as HTMLInputElement).value)}
              />`
            : nothing
        }
      </div>
      ${
        snapshot.rooms.length === 0
          ? html`<p class="empty card" data-testid="no-rooms">
              No room is open. A room opens with the first person who joins it.
            </p>`
          : html`<div class="card rooms">
              ${
                found.length === 0
                  ? html`<p class="empty">No open room has “${this.wanted}” in its name.</p>`
                  : this.roomTable(listed, chosen?.id)
              }
              ${
                found.length > MANY_ROOMS
                  ? html`<button
                      class="plain more"
                      aria-expanded=${this.allRooms}
                      @click=${() => (this.allRooms = !this.allRooms)}
                    >
                      ${this.allRooms ? "Fewer rooms" : `All ${found.length} rooms`}
                    </button>`
                  : nothing
              }
            </div>`
      }
      ${chosen ? this.room(chosen) : nothing}
      ${
        this.chosen !== null && !chosen
          ? html`<p class="empty card" role="status">The room <bdi>${this.chosen}</bdi> has closed.</p>`
          : nothing
      }
      ${
        snapshot.unlisted > 0
          ? html`<p class="hint">
              ${people(snapshot.unlisted)} more are connected; beyond a bound they are only in the sums.
            </p>`
          : nothing
      }
    </section>`;
  }

  private roomTable(rooms: readonly Room[], chosen: string | undefined) {
    return html`<div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Room</th>
            <th scope="col">People</th>
            <th scope="col">Personas</th>
            <th scope="col">Speaking</th>
            <th scope="col">Received</th>
            <th scope="col">Sent</th>
          </tr>
        </thead>
        <tbody>
          ${repeat(
            rooms,
            ({ id }) => id,
            (room) =>
              html`<tr class=${room.id === chosen ? "chosen" : ""} data-testid="room" data-room=${room.id}>
                <th scope="row">
                  <button
                    aria-pressed=${room.id === chosen}
                    @click=${() => {
                      this.chosen = room.id;
                      this.allPeers = false;
                    }}
                  >
                    <bdi>${room.id}</bdi>
                  </button>
                </th>
                <td>${room.persons}</td>
                <td>${room.personas}</td>
                <td>${room.speaking}</td>
                <td>${bitrate(this.shown.values(roomKey(room.id, "received")).at(-1) ?? NaN)}</td>
                <td>${bitrate(this.shown.values(roomKey(room.id, "sent")).at(-1) ?? NaN)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }

  private room(room: Room) {
    const peers = this.allPeers ? room.peers : room.peers.slice(0, MANY_PEERS);
    const ages = this.shown.ages;
    const lines: Line[] = [
      { label: "received", colour: BLUE, values: this.shown.values(roomKey(room.id, "received")) },
      { label: "sent", colour: ORANGE, values: this.shown.values(roomKey(room.id, "sent")) },
    ];
    const waiting = room.persons - room.connected;
    return html`<div class="card room" data-testid="chosen-room" data-room=${room.id}>
      <div class="room-head">
        <h3><bdi>${room.id}</bdi></h3>
        <p>${people(room.connected)} connected${waiting > 0 ? `, ${waiting} not` : ""}</p>
      </div>
      <continuum-plot
        data-testid="room-bitrate"
        .heading=${"Bitrate of the room"}
        .ages=${ages}
        .lines=${lines}
        .words=${bitrate}
        .least=${100_000}
      ></continuum-plot>
      <div>
        ${repeat(
          peers,
          ({ id }) => id,
          (peer) =>
            html`<continuum-peer
              .room=${room.id}
              .peer=${peer}
              .history=${this.shown}
              .revision=${this.revision}
              .opened=${room.peers.length === 1}
            ></continuum-peer>`,
        )}
      </div>
      ${
        room.peers.length > MANY_PEERS
          ? html`<button
              class="plain more"
              aria-expanded=${this.allPeers}
              @click=${() => (this.allPeers = !this.allPeers)}
            >
              ${this.allPeers ? "Fewer people" : `All ${room.peers.length} people`}
            </button>`
          : nothing
      }
      ${room.peers.length === 0 ? html`<p class="empty">Nobody's sound or picture has come yet.</p>` : nothing}
    </div>`;
  }

  static override styles = operatorStyles;
}
