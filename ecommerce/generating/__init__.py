"""A shop as large as one asks for, to measure with: products and stock drawn by a seed, in several processes."""
