"""A catalogue as large as one asks for, drawn from words by a seed, to measure the shop with."""
