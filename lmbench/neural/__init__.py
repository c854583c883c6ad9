"""The torch half: layers, word vectors and the one training loop."""
