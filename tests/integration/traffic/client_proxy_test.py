# SPDX-License-Identifier: Apache-2.0
"""A device goes through the proxy that its settings name, with a login by Basic or by a program, else through its environment's."""
import base64
import os

import pytest

from kit.device import Device
from kit.programs import until
from kit.squid import PROGRAM, REALM, Squid
from kit.tunnel import ConnectProxy, NegotiateProxy

PASSWORD = "correct horse: battery é staple"
needs_squid = pytest.mark.skipif(not os.access(PROGRAM, os.X_OK), reason="squid is not installed: make deps")


@pytest.fixture(autouse=True)
def of_no_environment(monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)


@pytest.fixture
def device(site, tmp_path):
    """It has its token; where management points inside are, it does not know."""
    it = Device(site, tmp_path).at("ehttp").registered_by_token()
    it.must("set", "ClientAlwaysOnInternet=1")
    return it


def file_with(folder, text):
    path = folder / "proxy.password"
    path.write_text(text)
    path.chmod(0o600)
    return path


@needs_squid
def test_a_device_logs_in_at_squid_and_a_wrong_password_is_named(site, device, tmp_path):
    with Squid({"device": PASSWORD}) as squid:
        device.must("set", f"Proxy={squid.url}", "ProxyUser=device", f"ProxyPasswordFile={file_with(tmp_path, 'wrong')}")
        failure = str(device.must_fail("policy"))
        analyzed = device.run("analyze")[1]
        for told in (failure, str(analyzed)):
            assert f"Proxy={squid.url}" in told and f"407; it takes Basic realm=\"{REALM}\"" in told.replace("\\", "") and "ProxyPasswordFile" in told, told
        file_with(tmp_path, PASSWORD + "\r\n")
        device.must("policy")
        assert device.run("analyze")[0] == 0
        until("squid tells whom it let through", lambda: ("device", f"localhost:{site.port}") in squid.let_through(), 20)
    logs = "".join(p.read_text(errors="replace") for p in device.state.rglob("*.log"))
    assert logs and PASSWORD not in logs and base64.b64encode(f"device:{PASSWORD}".encode()).decode() not in logs


@pytest.mark.parametrize("prints", ["Negotiate ", ""], ids=["the field's value", "the token alone"])
def test_a_program_logs_in_with_a_ticket_for_each_connection(site, device, tmp_path, prints):
    with NegotiateProxy({"localhost": "127.0.0.1"}, tmp_path, prints) as proxy:
        device.must("set", f"Proxy={proxy.url}")
        assert "ProxyCommand" in str(device.must_fail("policy"))
        assert "ProxyCommand" in str(device.run("analyze")[1])
        device.must("set", f"ProxyCommand={proxy.helper}")
        device.must("policy")
        assert device.run("analyze")[0] == 0
    assert len(proxy.seen - {None}) >= 2 and set(proxy.asked) == {"localhost"}


HELPERS = {"fails": ("exit 3", "ended with exit code 3"), "says nothing": ("true", "something else than one line"),
           "says two lines": ("echo 'Negotiate a'; echo 'X-Evil: b'", "something else than one line"),
           "says too much": ("head -c 100000 /dev/zero | tr '\\0' a", "more than 16384 bytes")}


@pytest.mark.parametrize("does, words", HELPERS.values(), ids=HELPERS)
def test_a_program_that_has_no_login_is_told_and_nothing_is_asked(site, device, tmp_path, does, words):
    helper = tmp_path / "helper"
    helper.write_text(f"#!/bin/sh\n{does}\n")
    helper.chmod(0o700)
    with ConnectProxy({"localhost": "127.0.0.1"}) as proxy:
        device.must("set", f"Proxy={proxy.url}", f"ProxyCommand={helper}")
        failure = str(device.must_fail("policy"))
        assert "there is no login for the proxy" in failure and words in failure, failure
        assert str(helper) in failure and not proxy.heads


def test_settings_count_more_than_the_environment(site, device, monkeypatch):
    with ConnectProxy({"localhost": "127.0.0.1"}) as named, ConnectProxy({}) as environments:
        monkeypatch.setenv("https_proxy", environments.url)
        monkeypatch.setenv("no_proxy", "localhost")
        device.must("set", f"Proxy={named.url}")
        device.must("policy")
        assert named.asked and device.run("analyze")[0] == 0
        asked = len(named.asked)
        device.must("set", "NoProxy=127.0.0.0/8,localhost")
        device.must("policy")
        monkeypatch.delenv("no_proxy")
        device.must("set", "Proxy=")
        device.must("policy")
        device.must("set", "Proxy=none", "NoProxy=")
        device.must("policy")
        assert device.run("analyze")[0] == 0
        assert len(named.asked) == asked and not environments.asked
        device.must("set", "Proxy=")
        device.must_fail("policy")
        assert environments.asked


@pytest.mark.parametrize("setting", ["Proxy=http://me:word@proxy:1", "Proxy=https://proxy:1", "Proxy=http://proxy:99999", "ProxyUser=a:b",
                                     "ProxyCommand=relative", "ProxyPasswordFile=relative"])
def test_what_no_proxy_can_be_is_refused(device, setting):
    code, failure = device.run("set", setting)
    failure = str(failure)
    assert code == 2 and setting.split("=")[0] in failure and "word@" not in failure
