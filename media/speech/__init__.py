"""Voice activity, end of turn, transcription and voices; models are handed in."""
