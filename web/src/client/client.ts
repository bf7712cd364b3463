import { Connection, type ConnectionState } from "./connection.js";
import { listDevices, openCamera, openMicrophone, type CaptureKind, type Devices } from "./devices.js";
import { TypedEventTarget } from "./events.js";
import { LevelMeter } from "./levels.js";
import { MediaSession } from "./media.js";
import type { Explanation, Memories } from "./memories.js";
import { asProblem, Problem } from "./problem.js";
import {
  cleanName,
  MAX_CHAT_LENGTH,
  type Card,
  type ClientMessage,
  type Joined,
  type ServerMessage,
} from "./protocol.js";
import { applyMessage, EMPTY_ROOM, withChatLine, type RoomState } from "./room.js";
import { TileSizes } from "./tile-sizes.js";
import { openWebSocket, socketUrl, type OpenSocket } from "./socket.js";
import { NO_COUNTERS, readStatistics, type MediaStatistics } from "./statistics.js";
import type { TokenSource } from "./token.js";

export interface ContinuumClientOptions {
  /** Origin of the server, such as `https://host`. */
  readonly server: string;
  readonly name: string;
  readonly token: TokenSource;
  /** Whether noise is taken out of what we say, here and by the server; it is unless this says no. */
  readonly noiseSuppression?: boolean;
  readonly openSocket?: OpenSocket;
}

export interface ContinuumEvents {
  /** Something about the room, the devices or the connection is different; read the properties. */
  change: ContinuumClient;
  /** Every message of the server, after it was applied. */
  message: ServerMessage;
  connection: ConnectionState;
  /** The mixed sound of everybody else; play it. A new stream replaces the one before. */
  audio: MediaStream;
  /** Something failed and the call goes on. */
  problem: Problem;
  /** The call is over: by `leave` (null) or for a reason. */
  ended: Problem | null;
}

export interface JoinOptions {
  /** Without a microphone one listens and writes. */
  readonly microphone: boolean;
}

/** What was said before a whisper ended is in the server's mix by then. */
const WHISPER_TAIL_MS = 400;
const WHISPER = "whisper";
const NOBODY = "no-such-participant";
const STATISTICS_EVERY_MS = 3_000;

/** What the server answers a question with; nothing but that it is done, to some. */
type Answered = Card | Memories | Explanation | null;

/** What waits for the server's answer; asked again after a reconnection. */
interface Question {
  readonly message: Extract<
    ClientMessage,
    { type: "feedback" | "card" | "memories" | "correct" | "forget" | "explain" }
  >;
  readonly resolve: (answer: Answered) => void;
  readonly reject: (problem: Problem) => void;
}

function unanswered(what: string): Problem {
  return new Problem("bad-message", `${what} was asked for and none came`);
}

function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

/**
 * A participant's side of a call, without any user interface: joins a room, sends microphone and camera, receives
 * everybody's sound and pictures, and keeps what is known of the room in `room`. It keeps the call up by itself;
 * what it cannot mend it tells as a `Problem` with a code.
 */
export class ContinuumClient extends TypedEventTarget<ContinuumEvents> {
  room: RoomState = EMPTY_ROOM;
  muted = false;
  /** Whether noise is taken out of what we say. */
  noiseSuppression: boolean;
  /** Several people speak at our microphone; their voices are told apart. */
  sharedMicrophone = false;
  microphone: MediaStreamTrack | null = null;
  camera: MediaStreamTrack | null = null;
  devices: Devices = { microphones: [], cameras: [], speakers: [] };
  mediaState: RTCPeerConnectionState = "new";
  media: MediaStatistics | null = null;

  private readonly connection: Connection;
  private readonly name: string;
  private session: MediaSession | null = null;
  private sessionWorked = false;
  private readonly unacknowledged = new Map<string, string>();
  private readonly asked = new Map<string, Question>();
  private readonly given = new Map<string, -1 | 0 | 1>();
  private audioContext: AudioContext | null = null;
  private ownMeter: LevelMeter | null = null;
  private roomMeter: LevelMeter | null = null;
  private readonly tileSizes = new TileSizes((slots) => this.connection.send({ type: "view", slots }));
  private counters = NO_COUNTERS;
  private statisticsTimer: ReturnType<typeof setInterval> | undefined;
  private apart: string[] = [];
  /** To whom we asked to whisper; nobody is all. */
  whisperTo: readonly string[] = [];
  private whisperEnds: ReturnType<typeof setTimeout> | undefined;
  private over = false;

  constructor(options: ContinuumClientOptions) {
    super();
    this.name = cleanName(options.name);
    this.noiseSuppression = options.noiseSuppression ?? true;
    this.connection = new Connection({
      url: socketUrl(options.server),
      name: this.name,
      token: options.token,
      open: options.openSocket ?? openWebSocket,
      events: {
        state: (state) => {
          this.emit("connection", state);
          this.changed();
        },
        message: (message) => this.receive(message),
        ended: (problem) => this.finish(problem),
      },
    });
  }

  get connectionState(): ConnectionState {
    return this.connection.state;
  }

  /** Round trip of the last ping over the WebSocket, in milliseconds. */
  get roundTrip(): number | null {
    return this.connection.roundTrip;
  }

  /** Lets the meters run where the browser held them back until a click. */
  async resumeMeters(): Promise<void> {
    if (this.audioContext?.state === "suspended") await this.audioContext.resume();
  }

  /** Loudness of the own microphone, 0 to 1. */
  readLevel(): number {
    return this.muted ? 0 : (this.ownMeter?.read() ?? 0);
  }

  /** Loudness of what is received, 0 to 1. */
  readRoomLevel(): number {
    return this.roomMeter?.read() ?? 0;
  }

  /**
   * Takes a seat. Call it from a click: browsers give sound only then. A microphone that is denied or missing is
   * told as a `problem`, and the call goes on without it. Resolves when in the room; rejects with a `Problem`.
   */
  async join(options: JoinOptions = { microphone: true }): Promise<void> {
    this.openMeters();
    if (options.microphone) await this.enable("microphone");
    if (this.over) throw new Problem("left", "left before the room was entered");
    await new Promise<void>((resolve, reject) => {
      const stop = [
        this.on("connection", (state) => state === "connected" && settle(resolve)),
        this.on("ended", (problem) =>
          settle(() => reject(problem ?? new Problem("left", "left while joining"))),
        ),
      ];
      const settle = (how: () => void) => {
        for (const off of stop) off();
        how();
      };
      addEventListener("online", this.onOnline);
      addEventListener("pagehide", this.onPageHide);
      navigator.mediaDevices?.addEventListener("devicechange", this.onDeviceChange);
      this.statisticsTimer = setInterval(() => void this.readStatistics(), STATISTICS_EVERY_MS);
      this.connection.start();
    });
  }

  /** Gives the seat up and lets every device go. */
  leave(): void {
    if (this.connectionState === "idle") this.finish(null);
    else this.connection.leave();
  }

  /** Says something in writing. What is lost on the way is sent again after a reconnection. */
  say(text: string): void {
    const plain = text.trim().slice(0, MAX_CHAT_LENGTH);
    if (plain === "") return;
    const id = randomId();
    const name = this.room.participants.get(this.room.you)?.name ?? this.name;
    const at = new Date().toISOString();
    this.unacknowledged.set(id, plain);
    this.room = withChatLine(this.room, { id, from: this.room.you, name, text: plain, at, pending: true });
    this.connection.send({ type: "chat", id, text: plain });
    this.changed();
  }

  /**
   * Says what we think of a persona, or of one line of it: 1, -1, or 0 to take that back. Resolves once it is kept for
   * good, also over a reconnection; rejects with a `Problem`. Only a `signed` one shows others our name.
   */
  async giveFeedback(persona: string, value: -1 | 0 | 1, line?: string, signed = false): Promise<void> {
    const about = `${persona}/${line ?? ""}`;
    const before = this.feedbackOn(persona, line);
    this.given.set(about, value);
    this.changed();
    try {
      await this.ask({ type: "feedback", id: randomId(), persona, value, line, signed });
    } catch (problem) {
      this.given.set(about, before);
      this.changed();
      throw problem;
    }
  }

  /** What we said in this call of a persona, or of one line of it; 0 where nothing, or nothing any more. */
  feedbackOn(persona: string, line?: string): -1 | 0 | 1 {
    return this.given.get(`${persona}/${line ?? ""}`) ?? 0;
  }

  /** The card of a persona: standing, history, journal. `before` is that of the page before. */
  async askCard(persona: string, before?: string): Promise<Card> {
    const card = await this.ask({ type: "card", id: randomId(), persona, before });
    if (card === null || !("standing" in card)) throw unanswered("a card");
    return card;
  }

  /** What a persona knows about us, newest first. `before` is that of the page before. */
  async askMemories(persona: string, before?: string): Promise<Memories> {
    const memories = await this.ask({ type: "memories", id: randomId(), persona, before });
    if (memories === null || !("known" in memories)) throw unanswered("what is known");
    return memories;
  }

  /** Puts a memory of us right, in our words; done once it is kept. */
  async correctMemory(persona: string, memory: string, text: string): Promise<void> {
    await this.ask({ type: "correct", id: randomId(), persona, memory, text });
  }

  /** Has one memory of us forgotten, or everything, by all personas; done once it is gone from the disk. */
  async forgetMemory(persona: string, memory: string | null): Promise<void> {
    await this.ask({ type: "forget", id: randomId(), persona, memory });
  }

  /** What a line of a persona was made with. */
  async explain(persona: string, line: string): Promise<Explanation> {
    const explanation = await this.ask({ type: "explain", id: randomId(), persona, line });
    if (explanation === null || !("parts" in explanation)) throw unanswered("an explanation");
    return explanation;
  }

  private ask(message: Question["message"]): Promise<Answered> {
    return new Promise((resolve, reject) => {
      this.asked.set(message.id, { message, resolve, reject });
      this.connection.send(message);
    });
  }

  private answered(id: string, answer: Answered): void {
    this.asked.get(id)?.resolve(answer);
    this.asked.delete(id);
  }

  setMuted(muted: boolean): void {
    this.muted = muted;
    if (this.microphone) this.microphone.enabled = !muted;
    this.tellState();
    this.changed();
  }

  /** Turns the microphone on after joining without, or changes to another one while talking. */
  async useMicrophone(deviceId?: string): Promise<void> {
    await this.enable("microphone", deviceId);
    await this.session?.setMicrophone(this.microphone);
    this.tellState();
  }

  /** From now on several people speak at our microphone, or only we again; then their voices are forgotten. */
  shareMicrophone(shared: boolean): void {
    if (this.sharedMicrophone === shared) return;
    this.sharedMicrophone = shared;
    this.tellState();
    this.changed();
  }

  /** Says what a voice at our shared microphone is called; without a name it is forgotten. */
  nameVoice(voice: string, name: string | null): void {
    this.connection.send({ type: "name-voice", voice, name });
  }

  /** Takes noise out of what we say, or leaves it in as music needs it: here and at the server. */
  async setNoiseSuppression(on: boolean): Promise<void> {
    if (this.noiseSuppression === on) return;
    this.noiseSuppression = on;
    this.tellState();
    this.changed();
    const before = this.microphone;
    if (!before) return;
    // A browser gives whoever asks for an open microphone what it was opened with.
    before.stop();
    await this.useMicrophone(before.getSettings().deviceId);
    if (this.microphone === before) await this.deviceLost("microphone", before);
  }

  /** Turns the camera on, or changes to another one. */
  async useCamera(deviceId?: string): Promise<void> {
    await this.enable("camera", deviceId);
    await this.session?.setCamera(this.camera);
    this.tellState();
  }

  async stopCamera(): Promise<void> {
    this.camera?.stop();
    this.camera = null;
    this.changed();
    await this.session?.setCamera(null);
    this.tellState();
  }

  /** The picture of a participant that the server shows us now. */
  videoTrackOf(participant: string): MediaStreamTrack | null {
    if (participant === this.room.you) return this.camera;
    for (const [mid, shown] of this.room.video) {
      if (shown === participant) return this.session?.videoTrack(mid) ?? null;
    }
    return null;
  }

  /** Tells how large a participant's picture is shown, in device pixels; 0 x 0 where it is not. */
  setTileSize(participant: string, width: number, height: number): void {
    this.tileSizes.set(participant, { width, height });
  }

  /** Asks to be shown a participant whatever happens; null for nobody. Ends when they leave. */
  pin(participant: string | null): void {
    this.room = { ...this.room, pinned: participant };
    this.connection.send({ type: "pin", id: participant });
    this.changed();
  }

  /**
   * Asks for the voices of these persons (`MAX_VOICES` at most) as tracks of their own, which the mix then lacks; for
   * none by an empty list. Repeated by itself after a reconnection. `room.voices` tells which are there.
   */
  async hearApart(participants: readonly string[]): Promise<void> {
    this.apart = [...new Set(participants)];
    this.askVoices();
    await this.session?.setVoiceSlots(this.apart.length);
  }

  /**
   * Lets only these hear us from now on; all again by an empty list. It holds once `room.whispers` says so of
   * `room.you`; it ends a moment late, so that the last words, which are still on their way, stay a whisper.
   */
  whisper(participants: readonly string[]): void {
    clearTimeout(this.whisperEnds);
    const before = this.whisperTo;
    this.whisperTo = [...new Set(participants)];
    if (this.whisperTo.length > 0 || before.length === 0) this.askWhisper();
    else this.whisperEnds = setTimeout(() => this.askWhisper(), WHISPER_TAIL_MS);
    this.changed();
  }

  private askWhisper(): void {
    this.connection.send({ type: "whisper", to: this.whisperTo, id: WHISPER });
  }

  /** The unmixed voice of a participant, where it was asked for; play it, or place it in space. */
  voiceTrackOf(participant: string): MediaStreamTrack | null {
    for (const [mid, heard] of this.room.voices) {
      if (heard === participant) return this.session?.voiceTrack(mid) ?? null;
    }
    return null;
  }

  private askVoices(): void {
    this.connection.send({ type: "voices", who: this.apart });
  }

  private readonly onOnline = () => this.connection.retryNow();
  private readonly onDeviceChange = () => void this.refreshDevices();
  private readonly onPageHide = (event: PageTransitionEvent) => {
    if (!event.persisted) this.leave();
  };

  private openMeters(): void {
    this.audioContext = new AudioContext();
    this.ownMeter = new LevelMeter(this.audioContext);
    this.roomMeter = new LevelMeter(this.audioContext);
  }

  /** Opens a device in place of the one in use; a failure is told and leaves things as they were. */
  private async enable(kind: CaptureKind, deviceId?: string): Promise<void> {
    try {
      const track = await (kind === "microphone"
        ? openMicrophone(deviceId, this.noiseSuppression)
        : openCamera(deviceId));
      if (this.over) return track.stop();
      const before = this[kind];
      this[kind] = track;
      before?.stop();
      track.onended = () => void this.deviceLost(kind, track);
      if (kind === "microphone") {
        track.enabled = !this.muted;
        this.ownMeter?.listen(track);
      }
    } catch (error) {
      this.emit("problem", asProblem(error, `${kind}-denied`));
    }
    await this.refreshDevices();
  }

  private async deviceLost(kind: CaptureKind, track: MediaStreamTrack): Promise<void> {
    if (this[kind] !== track) return;
    this[kind] = null;
    if (kind === "microphone") {
      this.ownMeter?.listen(null);
      await this.session?.setMicrophone(null);
    } else {
      await this.session?.setCamera(null);
    }
    this.emit("problem", new Problem(`${kind}-lost`, "the device went away"));
    this.tellState();
    await this.refreshDevices();
  }

  private async refreshDevices(): Promise<void> {
    this.devices = await listDevices();
    this.changed();
  }

  private receive(message: ServerMessage): void {
    this.room = applyMessage(this.room, message);
    switch (message.type) {
      case "joined":
        this.seated(message);
        break;
      case "answer":
        void this.session?.answer(message.id, message.sdp);
        break;
      case "negotiate":
        void this.session?.setSlots(message.videoSlots);
        break;
      case "camera":
        this.session?.setLayers(message.wanted, message.layers);
        break;
      case "video":
        this.tileSizes.show(message.slots);
        break;
      case "left":
        this.apart = this.apart.filter((id) => id !== message.id);
        break;
      case "ack":
        this.unacknowledged.delete(message.id);
        this.answered(message.id, null);
        break;
      case "card":
        this.answered(message.id, message.card);
        break;
      case "memories":
        this.answered(message.id, message.memories);
        break;
      case "explanation":
        this.answered(message.id, message.explanation);
        break;
      case "error":
        this.refused(message.code, message.message, message.id);
        break;
    }
    this.emit("message", message);
    this.changed();
  }

  private seated(joined: Joined): void {
    for (const line of joined.history) this.unacknowledged.delete(line.id);
    for (const [id, text] of this.unacknowledged) this.connection.send({ type: "chat", id, text });
    for (const { message } of this.asked.values()) this.connection.send(message);
    this.tellState();
    this.tileSizes.reset();
    this.apart = this.apart.filter((id) => this.room.participants.has(id));
    if (this.apart.length > 0) this.askVoices();
    const listeners = this.whisperTo.filter((id) => this.room.participants.has(id));
    if (listeners.length === 0 && this.whisperTo.length > 0) this.fallSilent(NOBODY, "they have left");
    this.whisperTo = listeners;
    if (listeners.length > 0) this.askWhisper();
    if (this.room.pinned !== null) this.connection.send({ type: "pin", id: this.room.pinned });
    const before = this.session;
    const session = new MediaSession({
      iceServers: joined.iceServers,
      videoSlots: joined.videoSlots,
      voiceSlots: this.apart.length,
      microphone: this.microphone,
      camera: this.camera,
      events: {
        send: (message) => this.connection.send(message),
        state: (state) => this.session === session && this.mediaChanged(state),
        problem: (problem) => this.emit("problem", problem),
      },
    });
    this.session = session;
    this.sessionWorked = false;
    this.counters = NO_COUNTERS;
    before?.close();
    this.roomMeter?.listen(session.remoteAudio);
    this.emit("audio", new MediaStream([session.remoteAudio]));
    void session.offer();
  }

  /** A path that broke after it had worked is built anew; one that never worked is told by the session as a problem. */
  private mediaChanged(state: RTCPeerConnectionState): void {
    this.mediaState = state;
    if (state === "connected") this.sessionWorked = true;
    if (state === "failed" && this.sessionWorked) this.connection.renew();
    this.changed();
  }

  private refused(code: string, message: string, id: string | null): void {
    if (id !== null && this.session?.refused(id, message)) return;
    const question = id === null ? undefined : this.asked.get(id);
    if (id !== null && question) {
      this.asked.delete(id);
      return question.reject(new Problem(code, message));
    }
    if (id === WHISPER) {
      const wanted = this.whisperTo.length > 0;
      this.whisperTo = this.room.whispers.get(this.room.you) ?? [];
      if (wanted && this.whisperTo.length === 0) return this.fallSilent(code, message);
    }
    // They left while we asked; `left` says the same.
    if (code === NOBODY && id !== null && id === this.room.pinned) return this.pin(null);
    if (id !== null && this.unacknowledged.delete(id)) {
      this.room = { ...this.room, chat: this.room.chat.filter((line) => line.id !== id) };
    }
    this.emit("problem", new Problem(code, message));
  }

  /** What was meant for some alone is not to be heard by all instead. */
  private fallSilent(code: string, message: string): void {
    this.setMuted(true);
    this.emit("problem", new Problem(code === NOBODY ? "whisper-lost" : code, message));
  }

  private tellState(): void {
    this.connection.send({
      type: "state",
      muted: this.muted || this.microphone === null,
      camera: this.camera !== null,
      noiseSuppression: this.noiseSuppression,
      shared: this.sharedMicrophone,
    });
  }

  private async readStatistics(): Promise<void> {
    const session = this.session;
    if (!session || session.state !== "connected") return;
    const report = await session.statistics();
    if (this.session !== session) return;
    [this.media, this.counters] = readStatistics(report.values(), this.counters);
    this.changed();
  }

  private finish(problem: Problem | null): void {
    if (this.over) return;
    this.over = true;
    for (const { reject } of this.asked.values())
      reject(problem ?? new Problem("left", "left before the answer"));
    this.asked.clear();
    clearInterval(this.statisticsTimer);
    clearTimeout(this.whisperEnds);
    removeEventListener("online", this.onOnline);
    removeEventListener("pagehide", this.onPageHide);
    navigator.mediaDevices?.removeEventListener("devicechange", this.onDeviceChange);
    this.tileSizes.stop();
    this.session?.close();
    this.session = null;
    this.microphone?.stop();
    this.camera?.stop();
    this.microphone = null;
    this.camera = null;
    void this.audioContext?.close();
    this.emit("ended", problem);
    this.changed();
  }

  private changed(): void {
    this.emit("change", this);
  }
}
