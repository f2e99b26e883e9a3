"""Serves the sandbox on a loopback port, without a log line for every request. Its settings are environment variables."""
import logging
import sys

import uvicorn
from mesh_sandbox.api import app
from mesh_sandbox.dependencies import get_messaging, get_store

logging.getLogger("mesh-sandbox").setLevel(logging.WARNING)


class TakenOutPlugin:
    """
    The sandbox goes through all that ever came into an inbox for every request, and so grows slow. What was taken out leaves the
    inbox; it stays in the outbox of its sender.
    """

    triggers = ["after_acknowledge_message"]

    async def on_event(self, _event, event_args, _error=None):
        taken_out = event_args["message"]
        inbox = get_store().inboxes[taken_out.recipient.mailbox_id]
        # Not by remove(), which would compare messages field by field.
        place = next((index for index, message in enumerate(inbox) if message is taken_out), None)
        if place is not None:
            del inbox[place]


get_messaging().register_plugin(TakenOutPlugin)
uvicorn.run(
    app,
    host="127.0.0.1",
    port=int(sys.argv[1]),
    access_log=False,
    log_level="warning",
    # Longer than clients keep a connection: closing one under a request looks like an outage.
    timeout_keep_alive=75,
)
