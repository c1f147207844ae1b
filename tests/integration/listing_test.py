# SPDX-License-Identifier: Apache-2.0
"""Listings of the admin API that grow with the fleet: they come in pages, and cmg walks them to their end."""
import json

import pytest

from kit import programs
from kit.programs import program

A_PAGE, A_PAGE_MAX = 200, 500
FLEET = 1203
DEVICE = "guid, name, hardware_id, method, state, blocked, spki, client_version, registered, last_seen"
CERTIFICATE = "sha256, guid, subject, not_after, added, pem"


def guid_of(i):
    return f"6f1c{i:04x}-0000-4000-8000-00000000000a"


def device_row(i):
    state = "pending" if i % 100 == 7 else "approved"
    return f"('{guid_of(i)}', 'PC-{i % 13}', '', 'token', '{state}', 0, 'key{i}', 2603, 100, 100)"


def certificate_row(device, k):
    return f"('{device:032x}{k:032x}', '{guid_of(device)}', 'CN=PC-{device}', 4000000000, {k}, 'PEM')"


def insert(table, columns, rows):
    return f"INSERT INTO {table} ({columns}) VALUES {', '.join(rows)}"


@pytest.fixture
def fleet(own_site):
    """FLEET devices, each third with two certificates."""
    own_site.sql(insert("device", DEVICE, [device_row(i) for i in range(FLEET)]),
                 insert("device_certificate", CERTIFICATE, [certificate_row(i, k) for i in range(0, FLEET, 3) for k in (0, 1)]))
    return own_site


def pages(site, path, member):
    """Each page's items."""
    answer = site.admin("GET", path)
    found = [answer[member]]
    while answer["next"] is not None:
        answer = site.admin("GET", f"{path}{'&' if '?' in path else '?'}after={answer['next']}")
        found.append(answer[member])
    return found


def refused(site, path):
    with pytest.raises(AssertionError) as told:
        site.admin("GET", path)
    return "(400," in str(told.value)


def cmg(site, *arguments):
    code, out, err = programs.run([program("cmg"), *arguments, "--socket", site.report["admin_socket"]], False)
    return code, out, err


def test_the_devices_come_in_pages_each_with_its_certificates(fleet):
    for query, size in (("", A_PAGE), ("?limit=17", 17), (f"?limit={A_PAGE_MAX}", A_PAGE_MAX), (f"?limit={FLEET // 3}", FLEET // 3)):
        found = pages(fleet, "/v1/devices" + query, "devices")
        assert [len(page) for page in found] == [size] * (FLEET // size) + [FLEET % size] * (FLEET % size > 0)
        devices = [device for page in found for device in page]
        assert [d["guid"] for d in devices] == [guid_of(i) for i in range(FLEET)]
        assert all([c["subject"] for c in d["certificates"]] == [f"CN=PC-{i}"] * (i % 3 == 0) * 2 for i, d in enumerate(devices))
    assert fleet.admin("GET", f"/v1/devices/{guid_of(3)}")["device"] == devices[3]


@pytest.mark.parametrize("query", ["limit=0", f"limit={A_PAGE_MAX + 1}", "limit=-1", "limit=x", "limit=", "limit=1&limit=2",
                                   "after=%00", "after=%ff", "after=" + "a" * 300, "after=a&after=b"])
def test_a_page_that_cannot_be_is_refused(site, query):
    for path in ("/v1/devices", "/v1/collections/x"):
        assert refused(site, f"{path}?{query}")


def test_a_page_of_devices_with_very_many_certificates_is_shorter_and_none_is_left_out(fleet):
    fleet.sql("DELETE FROM device_certificate")
    for some in range(0, FLEET, 100):
        fleet.sql(insert("device_certificate", CERTIFICATE,
                         [certificate_row(i, k) for i in range(some, min(some + 100, FLEET)) for k in range(32)]))
    found = pages(fleet, "/v1/devices", "devices")
    devices = [device for page in found for device in page]
    assert max(len(page) for page in found) < 100
    assert [d["guid"] for d in devices] == [guid_of(i) for i in range(FLEET)]
    assert all(len(d["certificates"]) == 32 for d in devices)


def test_the_commands_walk_all_pages(fleet):
    devices = fleet.cmg("device", "list")["devices"]
    assert [d["guid"] for d in devices] == [guid_of(i) for i in range(FLEET)]
    code, out, _ = cmg(fleet, "device", "list")
    lines = out.splitlines()
    assert code == 0 and len(lines) == FLEET + 1 and lines[0].startswith("NAME") and "NAME" not in out[5:]
    assert lines[0].index("GUID") == lines[1].index(guid_of(0)) == lines[-1].index(guid_of(FLEET - 1))
    waiting = sum(d["state"] == "pending" for d in devices)
    assert waiting == len(fleet.cmg("device", "approve", "--all-pending")["devices"])
    assert {d["state"] for d in fleet.cmg("device", "list")["devices"]} == {"approved"}
    today = fleet.cmg("plan", "--devices", "--to-mp", "ehttp")
    assert len(today["devices"]) == FLEET


def test_a_collections_devices_come_in_pages(fleet):
    fleet.cmg("collection", "add", "lab", "--device", guid_of(1), "--device", guid_of(FLEET - 1))
    found = pages(fleet, f"/v1/collections/lab?limit={A_PAGE_MAX}", "collection")
    assert [[d["guid"] for d in page["devices"]] for page in found] == [[guid_of(1)], [], [guid_of(FLEET - 1)]]
    assert len(fleet.cmg("collection", "show", "lab")["collection"]["devices"]) == 2
    fleet.cmg("collection", "add", "lab", "--rule", "method=token")
    assert len(fleet.cmg("collection", "show", "lab")["collection"]["devices"]) == FLEET
    code, out, _ = cmg(fleet, "collection", "show", "lab", "--limit", "5")
    assert code == 0 and f"5 of {FLEET} devices are shown" in out


def test_a_listing_that_ends_in_the_middle_is_told_as_a_failure(site, own_site):
    code, out, err = cmg(own_site, "device", "list", "--json")
    assert (code, json.loads(out)) == (0, {"devices": []})
    own_site.stop("cmg-mp")
    code, out, err = cmg(own_site, "device", "list", "--json")
    assert code == 1 and not out and json.loads(err)["error"]
