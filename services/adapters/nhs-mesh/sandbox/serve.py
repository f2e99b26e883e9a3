"""Serves the sandbox on a loopback port, without a log line for every request. Its settings are environment variables."""
import logging
import sys

import uvicorn
from mesh_sandbox.api import app

logging.getLogger("mesh-sandbox").setLevel(logging.WARNING)
uvicorn.run(
    app,
    host="127.0.0.1",
    port=int(sys.argv[1]),
    access_log=False,
    log_level="warning",
    # Longer than clients keep a connection: closing one under a request looks like an outage.
    timeout_keep_alive=75,
)
