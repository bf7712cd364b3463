// Runs in the page before its own code: all media goes by a relay that the test opens, and by no other way.
(() => {
  const Native = window.RTCPeerConnection;
  window.testConnections = [];
  window.RTCPeerConnection = class extends Native {
    constructor(...options) {
      super(...options);
      window.testConnections.push(this);
    }

    async setRemoteDescription(description) {
      const lines = [];
      let port = null;
      for (const line of description.sdp.split("\r\n")) {
        const [, , transport, , address, to] = line.split(" ");
        if (!line.startsWith("a=candidate:")) lines.push(line);
        else if (transport.toLowerCase() === "udp" && !address.includes(":") && port === null) {
          port = await window.testRelay(address, Number(to));
          lines.push(line.replace(` ${address} ${to} `, ` 127.0.0.1 ${port} `));
        }
      }
      return super.setRemoteDescription({ type: description.type, sdp: lines.join("\r\n") });
    }
  };

  // Three pages film and show each other on a machine that is busy enough: small pictures do.
  const devices = navigator.mediaDevices;
  const ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = (wanted) =>
    ask(wanted.video ? { ...wanted, video: { width: 320, height: 180, frameRate: 10 } } : wanted);

  // The server learns where the page is from what comes by the relay.
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (text) {
    const message = JSON.parse(text);
    if (message.type === "candidate") return;
    if (message.type === "offer") message.sdp = message.sdp.replace(/a=candidate:.*\r\n/g, "");
    send.call(this, JSON.stringify(message));
  };

  // What is received, by kind: sums over the present connection.
  window.testReport = async () => {
    const found = { audio: {}, video: {} };
    const add = (sums, report, names) => {
      for (const name of names) sums[name] = (sums[name] ?? 0) + (report[name] ?? 0);
    };
    for (const report of (await window.testConnections.at(-1).getStats()).values()) {
      if (report.type === "inbound-rtp")
        add(found[report.kind], report, [
          "packetsReceived",
          "packetsLost",
          "framesDecoded",
          "keyFramesDecoded",
          "nackCount",
          "totalAudioEnergy",
        ]);
    }
    return found;
  };
})();
