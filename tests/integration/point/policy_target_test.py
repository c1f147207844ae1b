# SPDX-License-Identifier: Apache-2.0
"""Policies for collections: they reach the devices that a collection has, and follow its membership."""
import json

import pytest

from kit import programs


class Policies:
    """Removes what it added."""

    def __init__(self, site):
        self.site, self.names, self.collections = site, [], []

    def add(self, name, *options):
        self.names.append(name)
        return self.site.cmg("policy", "add", name, "--content", f"content of {name}", *options)["policy"]

    def collection(self, name, *options):
        self.collections.append(name)
        self.site.cmg("collection", "add", name, *options)

    def clean(self):
        for name in self.names:
            self.site.cmg("policy", "remove", name, check=False)
        for name in self.collections:
            self.site.cmg("collection", "remove", name, check=False)


@pytest.fixture
def policies(site):
    it = Policies(site)
    yield it
    it.clean()


@pytest.fixture
def device(new_device):
    return new_device().at("ehttp").registered_by_token()


def names(device):
    device.must("policy")
    return set(device.policies())


def sequence(device):
    return device.must("status")["policy_sequence"]


def reaches(site, device, name):
    answer = site.cmg("policy", "resultant", device.name)
    return next((p["reaches"], p["why"]) for p in answer["policies"] if p["name"] == name)


def test_a_policy_reaches_the_devices_of_its_collections_alone(site, policies, device, new_device):
    other = new_device().at("ehttp").registered_by_token()
    policies.collection("lab", "--device", device.name)
    policies.collection("shop", "--rule", f"name={other.name}")
    site.cmg("device", "approve", other.guid)  # stands for its name
    policies.add("everywhere")
    policies.add("in-lab", "--collection", "lab")
    policies.add("in-shop", "--collection", "shop")
    policies.add("in-both", "--collection", "lab,shop")
    policies.add("nowhere", "--collection", "lab")
    site.cmg("collection", "add", "void")
    policies.collections.append("void")
    policies.add("nowhere", "--collection", "void")
    assert {"everywhere", "in-lab", "in-both"} <= names(device) and not {"in-shop", "nowhere"} & names(device)
    assert {"everywhere", "in-shop", "in-both"} <= names(other) and not {"in-lab", "nowhere"} & names(other)
    assert reaches(site, device, "in-lab") == (True, "collection lab has the device")
    assert reaches(site, device, "everywhere") == (True, "it is for every device")
    assert reaches(site, device, "in-shop") == (False, "the device is in none of its collections: shop")


def test_membership_by_list_changes_the_policy_at_the_next_request_and_nobody_elses(site, policies, device, new_device):
    other = new_device().at("ehttp").registered_by_token()
    policies.collection("lab")
    policies.add("in-lab", "--collection", "lab")
    assert "in-lab" not in names(device)
    names(other)
    mine, others = sequence(device), sequence(other)
    site.cmg("collection", "add", "lab", "--device", device.name)
    assert "in-lab" in names(device) and sequence(device) > mine
    assert "in-lab" not in names(other) and sequence(other) == others, "its ETag stays: 304"
    mine = sequence(device)
    site.admin("DELETE", f"/v1/collections/lab/devices/{device.guid}")
    assert "in-lab" not in names(device) and sequence(device) > mine


def test_membership_by_rule_follows_the_rule_and_the_device(site, policies, device):
    policies.collection("renamed", "--rule", f"name=new-{device.name}")
    policies.add("for-renamed", "--collection", "renamed")
    assert "for-renamed" not in names(device)
    before = sequence(device)
    device.must("set", f"Name=new-{device.name}")
    device.must("set", f"MPUrls={site.report['mp_urls']['ehttp']}")  # a key that is known needs no further bulk token inside
    device.must("register")
    assert "for-renamed" not in names(device), "nobody stands for the new name"
    site.cmg("device", "approve", device.guid)
    assert "for-renamed" in names(device) and sequence(device) > before
    before = sequence(device)
    site.admin("POST", "/v1/collections", {"name": "renamed", "rules": ["name=nobody"]})
    assert "for-renamed" not in names(device) and sequence(device) > before


def test_a_new_version_keeps_its_collections_unless_others_are_named(site, policies):
    policies.collection("lab")
    assert policies.add("kept", "--collection", "lab")["collections"] == ["lab"]
    again = site.cmg("policy", "add", "kept", "--content", "another")["policy"]
    assert (again["version"], again["collections"]) == (2, ["lab"])
    freed = site.cmg("policy", "add", "kept", "--content", "another", "--devices")["policy"]
    assert (freed["version"], freed["collections"]) == (3, [])


def test_a_collection_that_a_policy_is_for_stays_and_one_that_is_not_there_is_told(site, policies):
    policies.collection("lab")
    policies.add("in-lab", "--collection", "lab")
    code, answer = site.cmg("collection", "remove", "lab", check=False)
    assert code == 1 and "policies are for collection 'lab'" in json.dumps(answer)
    code, answer = site.cmg("policy", "add", "x", "--content", "x", "--collection", "lba", check=False)
    assert code == 1 and "no collection 'lba'" in json.dumps(answer) and "cmg collection list" in json.dumps(answer)
    many = []
    for i in range(65):
        policies.collection(f"many-{i}")
        many.append(f"many-{i}")
    code, answer = site.cmg("policy", "add", "x", "--content", "x", "--collection", ",".join(many), check=False)
    assert code == 1 and "at most 64 collections" in json.dumps(answer)


def test_the_table_of_policies_and_of_what_reaches_a_device_names_the_collections(site, policies, device):
    policies.collection("lab")
    policies.add("in-lab", "--collection", "lab")
    for command, words in ((["policy", "list"], ["COLLECTIONS", "lab"]), (["policy", "resultant", device.name], ["REACHES IT", "no"])):
        _, out, _ = programs.run([programs.program("cmg"), *command, "--socket", site.report["admin_socket"]])
        assert all(word in out for word in words), out
