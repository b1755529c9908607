"""Settings of the Superset that the test starts: its own SQLite, no limits of rate, the file of DuckDB allowed."""

import os

SECRET_KEY = os.environ["SUPERSET_SECRET"]
SQLALCHEMY_DATABASE_URI = f"sqlite:///{os.environ['SUPERSET_METADATA']}"
PREVENT_UNSAFE_DB_CONNECTIONS = False
RATELIMIT_ENABLED = False
TALISMAN_ENABLED = False
