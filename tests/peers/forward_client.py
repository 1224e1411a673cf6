"""Sends the lines of a file by Fluent Forward, unacknowledged: python forward_client.py PORT FILE"""

import calendar
import json
import sys
import time

from fluent import sender
from fluent.sender import EventTime

port, path = sys.argv[1:]
logger = sender.FluentSender("python", host="127.0.0.1", port=int(port), nanosecond_precision=True, bufmax=1 << 26)
with open(path) as lines:
    for line in lines:
        event = json.loads(line)
        moment = calendar.timegm(time.strptime(event["timestamp"], "%Y-%m-%d %H:%M:%S"))
        if not logger.emit_with_time("events", EventTime(moment), event):
            sys.exit(str(logger.last_error))
logger.close()
