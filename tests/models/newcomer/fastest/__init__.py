"""FastestDet: a detector that the product does not have, added by this folder alone."""
