"""The WebRTC edge: aiortc for ICE, DTLS and SDP, our own RTP path."""
