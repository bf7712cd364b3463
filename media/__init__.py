"""Turns packets into sound, pictures and words, and words into sound; knows rooms, participants, tracks and turns."""
