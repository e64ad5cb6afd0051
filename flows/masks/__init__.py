"""Who and what has to be hidden before a picture or clip may leave the vault."""
