"""Where context comes from, one file a source."""
