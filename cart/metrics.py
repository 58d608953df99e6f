"""What is counted about carts."""

from prometheus_client import Counter

READS = Counter("cart_reads_total", "Carts read, by where they came from", ["source"])
