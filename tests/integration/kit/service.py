# SPDX-License-Identifier: Apache-2.0
"""`cmg-client run` of a device, as its service runs it: what it reports, line by line."""
import json
import threading

from . import programs
from .programs import program, until

WITHIN_S = 60  # of a machine under load: what is awaited is an event


class Service:
    """To be used as a context."""

    def __init__(self, device):
        self.device, self.reports, self.process, self.log = device, [], None, device.state / "service.log"

    def __enter__(self):
        with open(self.log, "ab") as log:
            self.process = programs.start([program("cmg-client"), "run", "--dir", self.device.state, "--json"], log,
                                          stdout=programs.subprocess.PIPE,
                                          env=self.device.environment)
        threading.Thread(target=self._read, daemon=True, args=[self.process.stdout]).start()
        return self

    def _read(self, lines):
        for line in lines:
            self.reports.append(json.loads(line))

    def __exit__(self, *_):
        process, self.process = self.process, None
        process.terminate()
        programs.end(process)

    def listens(self):
        """Its request waits at the management point, which tells that by itself."""
        until(f"{self.device.name} listens", lambda: shown(self.device)["listens"], WITHIN_S)
        return self

    def runs(self, count):
        until(f"{self.device.name} has run {count} times", lambda: len(self.reports) >= count, WITHIN_S)
        return self.reports[-1]

    def said(self):
        """Messages of the site, as its log has them."""
        log = self.device.state / "logs" / "CcmMessaging.log"
        text = log.read_text() if log.exists() else ""
        return [line.split("The site says: ", 1)[1].split("]LOG]", 1)[0]
                for line in text.splitlines() if "The site says: " in line]


def shown(device):
    return device.site.cmg("device", "show", device.guid)["device"]["notifications"]
