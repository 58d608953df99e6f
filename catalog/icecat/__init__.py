"""Icecat's open catalogue as products of the shop: which rows are good, and which category each belongs to."""
