"""EfficientNet-Lite3's pooled features: what a crop looks like."""
