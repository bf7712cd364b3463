"""A headless caller: a real client of the room protocol (docs/protocol.md) that speaks, listens, measures."""
