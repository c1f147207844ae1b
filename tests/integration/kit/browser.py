# SPDX-License-Identifier: Apache-2.0
"""A person at a browser who signs in at an OpenID provider: follows its pages and fills in its forms."""
import html
import re

import httpx

PAGES_MAX = 8


def form_of(page):
    """(action, fields) of the page's first form; None when it has none."""
    found = re.search(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', page, re.S)
    if not found:
        return None
    fields = {}
    for one in re.findall(r"<input[^>]*>", found[2]):
        name, value = re.search(r'name="([^"]+)"', one), re.search(r'value="([^"]*)"', one)
        if name:
            fields[name[1]] = html.unescape(value[1]) if value else ""
    return html.unescape(found[1]), fields


def sign_in(ca, url, user, accept=True):
    """Opens the address of a device code, confirms it and signs in as `user`; or declines."""
    with httpx.Client(verify=str(ca), follow_redirects=True, trust_env=False, timeout=20) as client:
        page = client.get(url)
        for _ in range(PAGES_MAX):
            form = form_of(page.text)
            if not form:
                break
            action, fields = form
            if "confirm" in fields and not accept:
                fields = {**fields, "abort": "yes"}
                fields.pop("confirm")
            if "login" in fields:
                fields |= {"login": user, "password": "any"}
            page = client.post(str(page.url.join(action)), data=fields)
        assert page.status_code == 200, page.text[-500:]
        return page
