import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MediaSession } from "../src/client/media.js";
import type { Problem } from "../src/client/problem.js";

/** As much of a peer connection as a session touches; the test says what state it is in. */
class FakePeerConnection {
  connectionState: RTCPeerConnectionState = "new";
  onconnectionstatechange: (() => void) | null = null;
  addTransceiver() {
    return { setCodecPreferences() {} };
  }
  createOffer() {
    return Promise.resolve({ sdp: "v=0\r\n" });
  }
  setLocalDescription() {
    return Promise.resolve();
  }
  setRemoteDescription() {
    return Promise.resolve();
  }
  close() {}

  become(state: RTCPeerConnectionState) {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

let peer: FakePeerConnection;

async function answered() {
  const problems: Problem[] = [];
  const states: RTCPeerConnectionState[] = [];
  const options = {
    iceServers: [],
    videoSlots: 0,
    voiceSlots: 0,
    microphone: null,
    camera: null,
    events: {
      send: () => {},
      state: (state: RTCPeerConnectionState) => states.push(state),
      problem: (problem: Problem) => problems.push(problem),
    },
  };
  const session = new MediaSession(options);
  await session.offer();
  await session.answer("offer-1", "v=0\r\n");
  return { session, problems: () => problems.map((problem) => problem.code), states };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("RTCPeerConnection", function () {
    return (peer = new FakePeerConnection());
  });
  vi.stubGlobal("RTCRtpReceiver", { getCapabilities: () => null });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a path to the server", () => {
  it("that fails before it ever worked is told once", async () => {
    const { problems, states } = await answered();
    peer.become("connecting");
    peer.become("failed");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(problems()).toEqual(["no-media"]);
    expect(states).toEqual(["connecting", "failed"]);
  });

  it("that the browser does not even look for is told as well", async () => {
    const { problems } = await answered();
    await vi.advanceTimersByTimeAsync(19_000);
    expect(problems()).toEqual([]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(problems()).toEqual(["no-media"]);
  });

  it("that broke after it had worked is not told: the call is built anew", async () => {
    const { problems, states } = await answered();
    peer.become("connected");
    peer.become("failed");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(problems()).toEqual([]);
    expect(states).toEqual(["connected", "failed"]);
  });

  it("of a session that was closed is nobody's concern", async () => {
    const { session, problems } = await answered();
    session.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(problems()).toEqual([]);
  });
});
