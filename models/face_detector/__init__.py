"""Face detector: CenterFace finds faces, so that they can be masked."""
