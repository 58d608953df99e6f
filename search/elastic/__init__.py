"""Elasticsearch: where documents are copied to, and the engine that searches there."""
