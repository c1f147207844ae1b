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
    one = fleet.admin("GET", f"/v1/devices/{guid_of(3)}")["device"]
    assert (one.pop("states"), one.pop("inventory"), one.pop("notifications")["queued"]) == ([], None, 0) and one == devices[3]


@pytest.mark.parametrize("query", ["limit=0", f"limit={A_PAGE_MAX + 1}", "limit=-1", "limit=x", "limit=", "limit=1&limit=2",
                                   "after=%00", "after=%ff", "after=" + "a" * 300, "after=a&after=b"])
def test_a_page_that_cannot_be_is_refused(site, query):
    for path in ("/v1/devices", "/v1/collections/x", "/v1/audit"):
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


MANY = 450
OTHERS = {
    "token": ("bulk_token", "id, issued, expires, uses, used, blocked",
              [f"('{guid_of(i)}', {4000000000 + i // 7}, 4100000000, 1, 0, 0)" for i in range(MANY)], "tokens", "id"),
    "policy": ("policy", "name, id, version, sha256, content, size, created, changed",
               [f"('p {i:03}/&', 'id{i}', 1, '', 'text', 4, 1, 1)" for i in range(MANY)], "policies", "name"),
    "collection": ("collection", "name, rules, created", [f"('c {i:03}/&', '', 1)" for i in range(MANY)], "collections", "name")}


@pytest.mark.parametrize("noun", OTHERS)
def test_what_else_can_grow_long_comes_in_pages_too(own_site, noun):
    table, columns, rows, member, key = OTHERS[noun]
    before = {item[key] for item in own_site.cmg(noun, "list")[member]}
    own_site.sql(insert(table, columns, rows))
    listed = [item[key] for item in own_site.cmg(noun, "list")[member]]
    assert len(listed) == len(set(listed)) == MANY + len(before) and before < set(listed)
    added = [name for name in listed if name not in before]
    assert added == sorted(added, reverse=noun == "token")
    assert len(own_site.admin("GET", f"/v1/{member}")[member]) == A_PAGE
    assert refused(own_site, f"/v1/{member}?limit={A_PAGE_MAX + 1}")


def test_a_page_of_collections_ends_where_very_many_devices_are_listed(fleet):
    names = [f"c{i}" for i in range(30)]
    fleet.sql(insert("collection", "name, rules, created", [f"('{name}', '', 1)" for name in names]),
              *(f"INSERT INTO collection_member (collection, guid) SELECT '{name}', guid FROM device" for name in names))
    assert len(fleet.admin("GET", "/v1/collections")["collections"]) < 30
    assert {c["name"]: c["listed"] for c in fleet.cmg("collection", "list")["collections"]} == dict.fromkeys(names, FLEET)


# --- the audit ---

@pytest.fixture
def audited(own_site):
    """10,000 rows of long ago, each thousandth of its own kind, and one of now."""
    last = own_site.admin("GET", "/v1/audit?limit=1")["events"][0]["id"]
    rows = [f"({last + i}, {1000 + i}, 'uid:7', '{'rare.kind' if i % 1000 == 0 else 'common'}', 'object-{i % 10}', '')"
            for i in range(1, 10001)]
    own_site.sql(insert("audit", "id, at, caller, action, object, detail", rows),
                 f"UPDATE sequence SET value = {last + 10000} WHERE name = 'audit'")
    own_site.cmg("settings", "set", "approval", "manual")
    return own_site


def test_the_audit_is_searched_through_whatever_is_found_where(audited):
    newest = audited.cmg("audit")["events"]
    assert len(newest) == 100 and newest[0]["action"] == "setting.put" and newest[0]["caller"].startswith("uid:")
    assert [e["id"] for e in newest] == sorted((e["id"] for e in newest), reverse=True)
    for word in ("rare.kind", "rare"):
        assert [e["at"] for e in audited.cmg("audit", "--action", word)["events"]] == list(range(11000, 1999, -1000))
    assert audited.cmg("audit", "--action", "rar")["events"] == [] == audited.cmg("audit", "--action", "rare.")["events"]
    assert len(audited.cmg("audit", "--object", "object-3", "--limit", "1000000")["events"]) == 1000
    assert len(audited.cmg("audit", "--object", "object-3", "--limit", "7")["events"]) == 7
    assert len(audited.cmg("audit", "--limit", "1200")["events"]) == 1200
    assert audited.cmg("audit", "--action", "rare", "--object", "object-3")["events"] == []


def test_the_audit_is_searched_by_time(audited):
    for since in ("1h", "2026-01-01", "2026-01-01T00:00:00Z"):
        found = audited.cmg("audit", "--since", since, "--limit", "1000")["events"]
        assert found[0]["action"] == "setting.put" and min(e["at"] for e in found) > 1700000000
    assert audited.admin("GET", f"/v1/audit?since={found[0]['at'] + 1000}")["events"] == []
    assert len(audited.cmg("audit", "--since", "1970-01-01", "--limit", "100000")["events"]) > 10000


def test_the_audit_is_shown_to_people_as_a_table(audited):
    code, out, _ = cmg(audited, "audit", "--limit", "300")
    lines = out.splitlines()
    assert code == 0 and len(lines) == 301 and lines[0].split() == ["AT", "CALLER", "ACTION", "OBJECT", "DETAIL"]
    assert "setting.put" in lines[1] and "approval" in lines[1]
    assert cmg(audited, "audit", "--action", "nothing")[1] == "nothing of that is in the audit\n"


@pytest.mark.parametrize("query", ["since=x", "since=-1", "after=x", "action=%ff", "object=" + "a" * 300])
def test_a_search_of_the_audit_that_cannot_be_is_refused(site, query):
    assert refused(site, "/v1/audit?" + query)
