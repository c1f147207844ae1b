# SPDX-License-Identifier: Apache-2.0
"""The ratios of a run as a picture: bars of CPU per operation to nginx's one hop, 1.0 being nginx's."""
import statistics
from html import escape

from figures import cpu, kb_per_connection, ratios, whole

ROWS = (("keep-alive", "keep-alive request"), ("keep-alive 4096", "the same, 4,096 connections"), ("h2", "HTTP/2 request"),
        ("handshake", "full handshake"), ("resumed", "resumed handshake"), ("handshake, long CRL", "handshake, 1,000,000 revoked"),
        ("idle 1000", "memory, idle connection"))
BARS = (("opencmg", "gateway", "#1f6feb"), ("opencmg", "both", "#8ab4f8"), ("haproxy", "gateway", "#2e8b57"),
        ("nginx x2", "gateway", "#b0b7bf"), ("nginx x2", "both", "#d5dade"))
WIDTH, LEFT, BAR, GAP, SCALE, MOST = 860, 230, 11, 14, 220, 2.6


def value(bench, key, candidate, which):
    reports = [r for r in bench.results if r["key"] == key]
    if not reports:
        return None
    row = type("Row", (), {"title": reports[0]["row"]})
    if reports[0]["mode"] == "idle":
        found = ratios(bench, row, candidate, "nginx", kb_per_connection, kb_per_connection) if which == "gateway" else []
    else:
        def gateway(report):
            return cpu(report, "gateway")
        found = ratios(bench, row, candidate, "nginx", gateway if which == "gateway" else whole, gateway)
    return statistics.median(found) if found else None


def bar(y, amount, colour, label):
    width = min(amount, MOST) * SCALE
    figure = f"{amount:.2f}" if amount >= 0.1 else f"1/{1 / amount:.0f}"
    return (f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{colour}"><title>{escape(label)}</title></rect>'
            f'<text x="{LEFT + width + 5:.1f}" y="{y + BAR - 2}" font-size="10">{figure}</text>')


def write(path, bench):
    parts, y = [], 58
    for key, title in ROWS:
        bars = [(value(bench, key, name, which), colour, f"{name}, {which}") for name, which, colour in BARS]
        bars = [b for b in bars if b[0] is not None]
        if not bars:
            continue
        parts.append(f'<text x="{LEFT - 10}" y="{y + len(bars) * BAR / 2 + 4:.0f}" text-anchor="end">{escape(title)}</text>')
        for amount, colour, label in bars:
            parts.append(bar(y, amount, colour, label))
            y += BAR + 1
        y += GAP
    legend = "".join(f'<rect x="{20 + 165 * i}" y="32" width="10" height="10" fill="{colour}"/>'
                     f'<text x="{35 + 165 * i}" y="41" font-size="11">{escape(name)}, {escape(which)}</text>'
                     for i, (name, which, colour) in enumerate(BARS))
    one = LEFT + SCALE
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 8}" font-family="sans-serif" font-size="12">'
                f'<rect width="{WIDTH}" height="{y + 8}" fill="#fff"/>'
                '<text x="20" y="20" font-size="14">Cost of one operation, nginx (one hop) = 1; shorter is better</text>'
                f'{legend}<line x1="{one}" x2="{one}" y1="52" y2="{y}" stroke="#c33" stroke-dasharray="3 3"/>'
                f'{"".join(parts)}</svg>\n')
