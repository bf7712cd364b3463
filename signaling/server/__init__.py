"""The HTTP and WebSocket face of the media process."""
