import { Problem } from "./problem.js";
import type { ClientMessage } from "./protocol.js";
import { constrainOpus } from "./sdp.js";

const ANSWER_TIMEOUT_MS = 10_000;
/** From the answer to the first connection; a browser that may not use UDP never says itself that it failed. */
const CONNECT_TIMEOUT_MS = 20_000;

/** The camera's simulcast layers, the least first; the server asks for those that somebody watches. */
const CAMERA_LAYERS: readonly RTCRtpEncodingParameters[] = [
  { rid: "q", scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: "f", scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
];

export interface MediaEvents {
  send(message: ClientMessage): void;
  state(state: RTCPeerConnectionState): void;
  problem(problem: Problem): void;
}

export interface MediaOptions {
  readonly iceServers: readonly RTCIceServer[];
  readonly videoSlots: number;
  readonly voiceSlots: number;
  readonly microphone: MediaStreamTrack | null;
  readonly camera: MediaStreamTrack | null;
  readonly events: MediaEvents;
}

/** VP8 and what repairs it, in the browser's order; nothing at all would be refused, so then no preference is set. */
function preferVp8(transceiver: RTCRtpTransceiver): void {
  const codecs = RTCRtpReceiver.getCapabilities("video")?.codecs ?? [];
  const wanted = codecs.filter((codec) => /^video\/(vp8|rtx|red|ulpfec)$/i.test(codec.mimeType));
  if (wanted.some((codec) => /vp8/i.test(codec.mimeType))) transceiver.setCodecPreferences(wanted);
}

/**
 * One peer connection, from its first offer to its end. The client always offers; the order of its media sections
 * is the protocol's: the voice, the camera, then the slots for others' cameras and single voices. After a restart of
 * the server's media a new session is made; a session is not repaired.
 */
export class MediaSession {
  private readonly peer: RTCPeerConnection;
  private readonly voice: RTCRtpTransceiver;
  private readonly camera: RTCRtpTransceiver;
  private readonly slots: RTCRtpTransceiver[] = [];
  private readonly voices: RTCRtpTransceiver[] = [];
  private readonly events: MediaEvents;
  private offered: string | null = null;
  private offers = 0;
  private offerAgain = false;
  private heldCandidates: ClientMessage[] | null = [];
  private deadline: ReturnType<typeof setTimeout> | undefined;
  private connectDeadline: ReturnType<typeof setTimeout> | undefined;
  private reached: boolean | null = null;
  private closed = false;
  private layersSet: Promise<void> = Promise.resolve();

  constructor(options: MediaOptions) {
    this.events = options.events;
    this.peer = new RTCPeerConnection({ iceServers: [...options.iceServers], bundlePolicy: "max-bundle" });
    this.peer.onicecandidate = ({ candidate }) => this.trickle(candidate);
    this.peer.onconnectionstatechange = () => {
      if (this.state === "connected") this.reach(true);
      if (this.state === "failed") this.reach(false);
      this.events.state(this.state);
    };
    this.voice = this.peer.addTransceiver(options.microphone ?? "audio", {
      direction: options.microphone ? "sendrecv" : "recvonly",
    });
    // Without a camera too: a section that was once agreed upon as inactive has lost its layers for good.
    this.camera = this.peer.addTransceiver(options.camera ?? "video", {
      direction: "sendonly",
      sendEncodings: CAMERA_LAYERS.map((layer) => ({ ...layer })),
    });
    preferVp8(this.camera);
    this.growSlots(options.videoSlots);
    this.growVoices(options.voiceSlots);
  }

  /** Everybody else's sound, mixed by the server. */
  get remoteAudio(): MediaStreamTrack {
    return this.voice.receiver.track;
  }

  get state(): RTCPeerConnectionState {
    return this.peer.connectionState;
  }

  /** The track of the video slot with this `mid`. */
  videoTrack(mid: string): MediaStreamTrack | null {
    return this.slots.find((slot) => slot.mid === mid)?.receiver.track ?? null;
  }

  /** The track of the audio slot with this `mid`. */
  voiceTrack(mid: string): MediaStreamTrack | null {
    return this.voices.find((slot) => slot.mid === mid)?.receiver.track ?? null;
  }

  statistics(): Promise<RTCStatsReport> {
    return this.peer.getStats();
  }

  /** Sends an offer for what is wanted now; one at a time, the next when the answer to this is in. */
  async offer(): Promise<void> {
    if (this.closed) return;
    if (this.offered !== null) {
      this.offerAgain = true;
      return;
    }
    this.offers += 1;
    const id = `offer-${this.offers}`;
    this.offered = id;
    try {
      const { sdp = "" } = await this.peer.createOffer();
      if (this.closed) return;
      const constrained = constrainOpus(sdp);
      await this.peer.setLocalDescription({ type: "offer", sdp: constrained });
      if (this.closed) return;
      this.events.send({ type: "offer", id, sdp: constrained });
    } catch (error) {
      this.failed(`offer: ${String(error)}`);
      return;
    }
    const held = this.heldCandidates ?? [];
    this.heldCandidates = null;
    for (const candidate of held) this.events.send(candidate);
    this.deadline = setTimeout(() => this.failed("the server did not answer the offer"), ANSWER_TIMEOUT_MS);
  }

  async answer(id: string, sdp: string): Promise<void> {
    if (this.closed || id !== this.offered) return;
    clearTimeout(this.deadline);
    try {
      await this.peer.setRemoteDescription({ type: "answer", sdp: constrainOpus(sdp) });
    } catch (error) {
      this.failed(`answer: ${String(error)}`);
      return;
    }
    if (this.reached === null) {
      this.connectDeadline ??= setTimeout(() => this.reach(false), CONNECT_TIMEOUT_MS);
    }
    this.settled();
  }

  /** The server refused the offer `id`; true if it was one of this session's. */
  refused(id: string, reason: string): boolean {
    if (this.closed || id !== this.offered) return false;
    clearTimeout(this.deadline);
    this.failed(`the server refused the offer: ${reason}`);
    return true;
  }

  /** Changes or takes away the microphone; a mere change of device needs no new offer. */
  async setMicrophone(track: MediaStreamTrack | null): Promise<void> {
    await this.voice.sender.replaceTrack(track);
    await this.direct(this.voice, track ? "sendrecv" : "recvonly");
  }

  /** Changes or takes away the camera; needs no new offer. */
  async setCamera(track: MediaStreamTrack | null): Promise<void> {
    await this.camera.sender.replaceTrack(track);
  }

  /** Sends the layers of the camera that somebody watches, and no others; of a camera without layers, all or nothing. */
  setLayers(wanted: boolean, layers: readonly string[]): void {
    this.layersSet = this.layersSet.then(async () => {
      if (this.closed) return;
      const parameters = this.camera.sender.getParameters();
      for (const encoding of parameters.encodings) {
        encoding.active = wanted && (encoding.rid === undefined || layers.includes(encoding.rid));
      }
      try {
        await this.camera.sender.setParameters(parameters);
      } catch (error) {
        if (!this.closed) this.events.problem(new Problem("camera-layers", String(error)));
      }
    });
  }

  /** The server wants this many slots: more are added, surplus ones rest. */
  async setSlots(wanted: number): Promise<void> {
    this.growSlots(wanted);
    this.slots.forEach((slot, index) => (slot.direction = index < wanted ? "recvonly" : "inactive"));
    await this.offer();
  }

  /** Has at least so many slots for single voices. */
  async setVoiceSlots(wanted: number): Promise<void> {
    if (wanted <= this.voices.length) return;
    this.growVoices(wanted);
    await this.offer();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.deadline);
    clearTimeout(this.connectDeadline);
    this.peer.onicecandidate = null;
    this.peer.onconnectionstatechange = null;
    this.peer.close();
  }

  private growSlots(wanted: number): void {
    while (this.slots.length < wanted) {
      const slot = this.peer.addTransceiver("video", { direction: "recvonly" });
      preferVp8(slot);
      this.slots.push(slot);
    }
  }

  private growVoices(wanted: number): void {
    while (this.voices.length < wanted) {
      this.voices.push(this.peer.addTransceiver("audio", { direction: "recvonly" }));
    }
  }

  private async direct(transceiver: RTCRtpTransceiver, direction: RTCRtpTransceiverDirection): Promise<void> {
    if (transceiver.direction === direction) return;
    transceiver.direction = direction;
    await this.offer();
  }

  private trickle(candidate: RTCIceCandidate | null): void {
    const message: ClientMessage = {
      type: "candidate",
      candidate: candidate?.candidate ?? "",
      mid: candidate?.sdpMid ?? null,
      mline: candidate?.sdpMLineIndex ?? null,
    };
    if (this.heldCandidates) this.heldCandidates.push(message);
    else this.events.send(message);
  }

  /** Tells once when there is no path to the server; a path that was there and broke is for whoever watches the state. */
  private reach(reached: boolean): void {
    clearTimeout(this.connectDeadline);
    const first = this.reached === null;
    this.reached ??= reached;
    if (first && !reached) this.events.problem(new Problem("no-media", "no path to the server was found"));
  }

  private settled(): void {
    this.offered = null;
    if (!this.offerAgain) return;
    this.offerAgain = false;
    void this.offer();
  }

  private failed(detail: string): void {
    if (this.closed) return;
    this.offered = null;
    this.offerAgain = false;
    this.events.problem(new Problem("media-failed", detail));
  }
}
