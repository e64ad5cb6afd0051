"""Hide whoever and whatever must not be seen before a picture or clip leaves the vault."""
