"""Types that every room shares: frames, tracks, offences, events, evidence, the site, its people."""
