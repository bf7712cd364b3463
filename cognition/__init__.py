"""The mind: personas, conversation, inference; knows what was heard and said as text with times."""
