# SPDX-License-Identifier: Apache-2.0
"""The management point's own work, on SQLite and on PostgreSQL: CPU of cmg-mp and of the database for each registration,
access token and policy, asked for one after the other, and how many a second cmg-mp could do on one core."""
import json
import os
import pathlib
import sys

import machine
from figures import print_table
from machine import Fault


def children_too(pid):
    return [pid, *(p for child in machine.children(pid) for p in children_too(child))]


class Devices:
    """Talks to the ehttp management point as the connector would, for devices of its own."""

    def __init__(self, site, folder, count, kit):
        self.inside = kit.Inside(site, folder)
        self.bulk = site.cmg("token", "new", "--uses", str(count))["token"].split(".", 2)[2]
        self.devices = [kit.self_signed(folder, f"device-{i}") for i in range(count)]
        self.tokens, self.access = [], []

    @staticmethod
    def _taken(answer):
        if answer.status != 200:
            raise Fault(f"the management point answered {answer.status}: {answer.body[:300]}")
        return json.loads(answer.body) if answer.headers.get("content-type") == "application/json" else None

    def register(self, i):
        self.tokens.append(self._taken(self.inside.register(self.devices[i], self.bulk))["device_token"])

    def token(self, i):
        self.access.append(self._taken(self.inside.sts(self.devices[i], self.tokens[i]))["access_token"])

    def policy(self, i):
        self._taken(self.inside.policy(self.devices[i], self.access[i]))


class Kit:
    """Of the integration tests: a site, somebody inside it, and a PostgreSQL."""

    def __init__(self, programs):
        os.environ["CMG_BIN"] = programs
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))
        from kit.inside import Inside
        from kit.pki import self_signed
        from kit.postgresql import PostgreSQL
        from kit.site import Site
        self.Inside, self.self_signed, self.PostgreSQL, self.Site = Inside, self_signed, PostgreSQL, Site


def on_store(kit, folder, store, database, count):
    """`database`: the pid of the store's server, None when it has none. [what, cmg-mp's µs, database's µs]"""
    folder.mkdir()
    site = kit.Site(folder / "site", store).start()
    try:
        devices = Devices(site, folder, count, kit)
        results = []
        for what, ask in (("registration", devices.register), ("access token", devices.token), ("policy", devices.policy)):
            watched = [[site.pid("cmg-mp")], children_too(database) if database else []]
            before = [sum(map(machine.cpu_s, pids)) for pids in watched]
            for i in range(count):
                ask(i)
            results.append([what, *((sum(map(machine.cpu_s, pids)) - was) / count * 1e6 for pids, was in zip(watched, before))])
        return results
    finally:
        site.end()


def measure(bench_folder, programs, out, count=150):
    kit, folder = Kit(programs), pathlib.Path(bench_folder) / "management-point"
    folder.mkdir()
    server = kit.PostgreSQL(sync=True)
    try:
        stores = {"SQLite": on_store(kit, folder / "sqlite", None, None, count),
                  "PostgreSQL": on_store(kit, folder / "postgresql", server.new_database(), server.process.pid, count)}
    finally:
        server.close()
    print_table("The management point; a TLS connection each",
                [("what", "store", "cmg-mp CPU µs", "database CPU µs", "a second on one core"),
                 *((what, store, f"{own:,.0f}", f"{other:,.0f}" if other else "–", f"{1e6 / own:,.0f}")
                   for store, results in stores.items() for what, own, other in results)], out)
    return [{"what": what, "store": store, "cpu_us": own, "database_cpu_us": other}
            for store, results in stores.items() for what, own, other in results]
