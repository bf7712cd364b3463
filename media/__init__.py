"""Turns packets into sound, pictures and words, and words into sound; knows rooms, tracks and turns."""
