// Runs in the page before its own code: keeps the sound the page receives, and can be the page's microphone.
(() => {
  const heard = { blocks: [], length: 0 };

  async function listen(track) {
    // A page that is busy for a moment must not lose what it receives meanwhile.
    const frames = new MediaStreamTrackProcessor({ track, maxBufferSize: 1000 }).readable.getReader();
    for (let next = await frames.read(); !next.done; next = await frames.read()) {
      const frame = next.value;
      const samples = new Float32Array(frame.numberOfFrames);
      frame.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      if (frame.sampleRate !== 48000) throw new Error(`the page hears at ${frame.sampleRate} Hz`);
      frame.close();
      heard.blocks.push(Int16Array.from(samples, (one) => Math.max(-1, Math.min(1, one)) * 32767));
      heard.length += samples.length;
    }
  }

  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...options) {
      super(...options);
      this.addEventListener("track", ({ track }) => {
        if (track.kind === "audio") listen(track);
      });
    }
  };

  window.testEar = {
    get length() {
      return heard.length;
    },
    // int16 samples at 48 kHz from a position on, base64.
    take(from) {
      const all = new Int16Array(Math.max(heard.length - from, 0));
      let at = -from;
      for (const block of heard.blocks) {
        if (at + block.length > 0) all.set(at < 0 ? block.subarray(-at) : block, Math.max(at, 0));
        at += block.length;
      }
      let text = "";
      const bytes = new Uint8Array(all.buffer);
      for (let i = 0; i < bytes.length; i += 32768)
        text += String.fromCharCode(...bytes.subarray(i, i + 32768));
      return btoa(text);
    },
  };

  // A microphone that says what the test hands it, where the test asks for one.
  if (!window.testMicrophone) return;
  let voice = null;
  let destination = null;
  const devices = navigator.mediaDevices;
  const ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wanted) => {
    if (!wanted.audio) return ask(wanted);
    voice ??= new AudioContext({ sampleRate: 48000 });
    await voice.resume();
    if (!destination) {
      destination = voice.createMediaStreamDestination();
      // Chromium sends nothing at all for a destination without a source: silence has to be made.
      const silence = new ConstantSourceNode(voice, { offset: 0 });
      silence.connect(destination);
      silence.start();
    }
    return new MediaStream(destination.stream.getAudioTracks().map((track) => track.clone()));
  };
  window.testMicrophone = {
    // Plays base64 int16 samples at 48 kHz; resolves when the last one has been said.
    say: (samples) =>
      new Promise((resolve) => {
        const bytes = Uint8Array.from(atob(samples), (one) => one.charCodeAt(0));
        const pcm = new Int16Array(bytes.buffer);
        const buffer = voice.createBuffer(1, pcm.length, 48000);
        buffer.getChannelData(0).set(Float32Array.from(pcm, (one) => one / 32768));
        const source = new AudioBufferSourceNode(voice, { buffer });
        source.onended = resolve;
        source.connect(destination);
        source.start();
      }),
  };
})();
