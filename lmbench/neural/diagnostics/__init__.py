"""Why gates matter, measured: gradients through time, what is remembered, what gates do, how far history counts."""
