// Collects a tenth of a second of mono sound at a time and hands it over as int16.
class TestRecorder extends AudioWorkletProcessor {
  block = new Int16Array(4800);
  filled = 0;

  process([input]) {
    const channel = input[0];
    for (let i = 0; i < (channel?.length ?? 128); i++) {
      this.block[this.filled++] = Math.max(-1, Math.min(1, channel?.[i] ?? 0)) * 32767;
      if (this.filled === this.block.length) {
        this.port.postMessage(this.block);
        this.block = new Int16Array(4800);
        this.filled = 0;
      }
    }
    return true;
  }
}
registerProcessor("test-recorder", TestRecorder);
