"""A Superset on loopback for the tests of the pack; run by its own Python, for it needs another SQLAlchemy than ours.

var/superset/venv/bin/python superset_server.py prepare METADATA      # its tables and rights, once: half a minute
var/superset/venv/bin/python superset_server.py serve METADATA PORT   # until it is ended; SUPERSET_PASSWORD is the user admin's
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

action, metadata = sys.argv[1:3]
settings = Path(metadata).absolute().with_name("superset_settings.py")
settings.write_text(
    f"""
SECRET_KEY = {secrets.token_hex(32)!r}
SQLALCHEMY_DATABASE_URI = "sqlite:///{Path(metadata).absolute()}"
PREVENT_UNSAFE_DB_CONNECTIONS = False  # DuckDB opens files of this machine
RATELIMIT_ENABLED = False
TALISMAN_ENABLED = False
""",
    "utf-8",
)
os.environ["SUPERSET_CONFIG_PATH"] = str(settings)

from superset.app import create_app  # noqa: E402

app = create_app()
with app.app_context():
    import superset
    from superset.extensions import appbuilder

    if action == "prepare":
        from flask_migrate import upgrade

        upgrade(str(Path(superset.__file__).parent / "migrations"))
        appbuilder.add_permissions(update_perms=True)
        appbuilder.sm.sync_role_definitions()
    else:
        manager = appbuilder.sm
        admin = manager.find_role("Admin")
        manager.add_user("admin", "a", "b", "admin@example.org", admin, os.environ["SUPERSET_PASSWORD"])
if action == "serve":
    app.run("127.0.0.1", int(sys.argv[3]), threaded=True)
