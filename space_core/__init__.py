"""SPACE Auditor: source-free concept erasure for multimodal LLMs, and its measurement."""

__version__ = "0.1.0"
