"""Embedder: EfficientNet-Lite3's pooled features describe what a crop looks like."""
