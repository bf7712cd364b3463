"""What personas remember: made of the timeline in idle time, recalled while people speak, corrected and forgotten."""
