"""JSON-RPC 2.0 over a Unix socket and shared-memory rings between the two processes."""
