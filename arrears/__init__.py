"""The name that an installed arrears has. A wheel holds all of the repository's folders below it (setup.py)."""
