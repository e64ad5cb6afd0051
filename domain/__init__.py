"""What forewarn talks about: frames, tracks, offences, the ladder, evidence, events, the site."""
