# SPDX-License-Identifier: Apache-2.0
"""Role certificates are renewed while the site runs, reports are kept, and server certificates are read again."""
import time

from kit.programs import until


def configure(site, name, line):
    path = site.folder / f"{name}.yaml"
    path.write_text(path.read_text() + line + "\n")


def forced(site, name):
    site.stop(f"cmg-{name}")
    configure(site, name, "role_renewal: 1s")
    site.run(f"cmg-{name}")


def renewals(site, name):
    return site.log(f"cmg-{name}").count("role certificate renewed")


def test_a_connector_renews_its_certificate(own_site):
    forced(own_site, "connector")
    until("renewed twice", lambda: renewals(own_site, "connector") >= 2, 10)
    assert (own_site.folder / "connector-state" / "role.pem").stat().st_mode & 0o777 == 0o600


def test_a_connector_ends_as_soon_as_its_tunnels_have(own_site):
    since = time.monotonic()
    own_site.stop("cmg-connector")
    assert time.monotonic() - since < 2
