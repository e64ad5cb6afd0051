"""Likeness: person-reidentification-retail-0287 describes a person by what tells them from others."""
