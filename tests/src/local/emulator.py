"""Starts MiniStack with its queues on the test clock: visibility, delays and retention follow the file in BRIDGE_CLOCK_FILE.

It also asks of a batch call on a queue the permission that AWS asks for: that of the single call. MiniStack would ask for one
that AWS does not have.

With --with-parent it ends when its standard input closes, so that it never outlives the test that started it.
"""

import os
import signal
import sys
import threading
import time as real
import types


class Shifted(types.ModuleType):
    """The module `time`, ahead by the seconds in the clock file."""

    def __getattr__(self, name):
        return getattr(real, name)

    def time(self):
        try:
            with open(os.environ["BRIDGE_CLOCK_FILE"]) as file:
                ahead = float(file.read() or 0)
        except (KeyError, OSError, ValueError):
            ahead = 0.0
        return real.time() + ahead


def end_with_parent():
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if "--with-parent" in sys.argv:
    threading.Thread(target=end_with_parent, daemon=True).start()
del sys.argv[1:]

from ministack import app  # noqa: E402
from ministack.core import iam_actions  # noqa: E402
from ministack.services import sqs  # noqa: E402

BATCH_CALLS = {f"{call}Batch": call for call in ("SendMessage", "DeleteMessage", "ChangeMessageVisibility")}
action_of = iam_actions._action_from_target


def permission_of(headers):
    action = action_of(headers)
    return BATCH_CALLS.get(action, action)


iam_actions._action_from_target = permission_of
sqs.time = Shifted("time")
app.main()
