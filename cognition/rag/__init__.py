"""What a persona is told before it answers: from many sources at once, within a deadline and a budget of tokens."""
