"""What was said in a room and who speaks next."""
