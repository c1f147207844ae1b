# SPDX-License-Identifier: Apache-2.0
"""A device that knows management points directly, and which way it says it went."""
import socket


def url(site, mode):
    return site.report["mp_urls"][mode]


def authority(site, mode):
    return url(site, mode).removeprefix("https://")


def nowhere():
    """A port where nothing listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"https://localhost:{s.getsockname()[1]}"


def inside(device, *modes, **settings):
    device.must("set", "MPUrls=" + ";".join(url(device.site, m) for m in modes), f"MPCA={device.site.pki('ca')}",
                *(f"{name}={value}" for name, value in settings.items()))
    return device


def is_inside(report, device, mode):
    assert report["network"] == "intranet", report
    assert report["gateway"] is None
    assert report["management_point"] == {"id": device.site.role(mode), "mode": mode, "address": authority(device.site, mode)}


def is_outside(report, device):
    assert report["network"] == "internet", report
    assert report["gateway"] == device.site.report["gateway"].removeprefix("https://")
