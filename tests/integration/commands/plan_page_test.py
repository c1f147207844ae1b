# SPDX-License-Identifier: Apache-2.0
"""The plan's page in a real browser: nothing is cut off at any width, and all of it can be told from its background, by
light and by dark. Skipped where no Chromium is installed."""
import html
import json
import re
import shutil
import subprocess

import pytest

from kit import programs
from kit.programs import program

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
WIDTHS = [320, 360, 768, 1280]
MEASURE = """
const rgb = c => c.match(/[\\d.]+/g).slice(0, 3).map(Number);
const light = c => rgb(c).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((m, n) => n - m); return (x + .05) / (y + .05) };
const found = [];
for (const frame of document.querySelectorAll("iframe")) {
  const page = frame.contentDocument, root = page.documentElement, of = e => frame.contentWindow.getComputedStyle(e);
  const probe = page.createElement("div");
  probe.style.color = "Canvas";
  page.body.append(probe);
  const canvas = of(probe).color, at = root.clientWidth;
  const beyond = [...page.body.querySelectorAll("td,th,li,svg,p,h1,h2,h3")].filter(e => e.getBoundingClientRect().right > at + 1);
  const text = [...page.querySelectorAll("body,td,.names,.bad,code")].map(e => contrast(of(e).color, canvas));
  const bars = [...page.querySelectorAll(".bar rect")].map(e => contrast(of(e).fill, canvas));
  found.push({width: frame.width | 0, overflow: root.scrollWidth - at, beyond: beyond.map(e => e.textContent.slice(0, 40)),
    text: Math.min(...text), bars: bars.length ? Math.min(...bars) : 0, dark: light(canvas) < .5,
    smallest: Math.min(...[...page.querySelectorAll("td,.names,code")].map(e => parseFloat(of(e).fontSize)))});
}
document.body.replaceChildren(JSON.stringify(found));
"""


def measured(folder, page, dark):
    """What a browser makes of the page at each width. The page's own policy forbids scripts, so that another page looks in."""
    frames = "".join(f'<iframe width="{w}" height="800" style="border:0" srcdoc="{html.escape(page)}"></iframe>' for w in WIDTHS)
    (folder / "look.html").write_text(f'<meta charset="utf-8"><body>{frames}<script>onload = () => {{ {MEASURE} }}</script>')
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile", "--dump-dom",
               f"--blink-settings=preferredColorScheme={0 if dark else 1}", f"file://{folder}/look.html"]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    return json.loads(html.unescape(re.search(r"<body>(.*)</body>", dom, re.S)[1]))


@pytest.mark.skipif(not BROWSER, reason="no Chromium is installed")
def test_the_page_fits_every_width_and_can_be_read_by_light_and_dark(tmp_path):
    inventory, page = tmp_path / "fleet.csv", tmp_path / "page.html"
    rows = [f"A-DEVICE-WITH-QUITE-A-LONG-NAME-{i:06d},{join},{certificate},{version},{crl},{scenario}"
            for i, (join, certificate, version, crl, scenario) in enumerate(
                (join, certificate, version, crl, scenario) for join in ("none", "domain", "hybrid", "")
                for certificate in ("pki", "none", "") for version in ("1910", "2403") for crl in ("internet", "ad", "none")
                for scenario in ("device", "user"))]
    rows.append("bad,domain,what,2002,ad,device")
    inventory.write_text("name,join,certificate,version,crl,scenario\n" + "\n".join(rows) + "\n")
    programs.run([program("cmg"), "plan", "--inventory", inventory, "--to-mp", "ehttp", "--html", page], False)
    for dark in (False, True):
        for seen in measured(tmp_path, page.read_text(), dark):
            assert seen["dark"] is dark, seen
            assert seen["overflow"] <= 0 and not seen["beyond"], seen
            assert seen["text"] >= 4.5, "WCAG 2.2, 1.4.3"
            assert seen["bars"] >= 3 and seen["smallest"] >= 12, seen
