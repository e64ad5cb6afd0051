"""Search evidence by words, with a pair of models that a site brings."""
