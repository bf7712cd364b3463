"""Finding things by what they say: texts to vectors, vectors and words to an index, what it found to an order."""
