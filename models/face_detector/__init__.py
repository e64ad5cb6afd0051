"""CenterFace: where the faces are, so that they can be masked."""
