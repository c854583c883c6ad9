"""From text to batches: tokenizers, corpora, the vocabulary, sentences, the built-in grammar, probes."""
