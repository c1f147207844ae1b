# SPDX-License-Identifier: Apache-2.0
"""What was asked of gateway and connector, as figures of one run, and whether it was met."""
import statistics

from figures import cpu, kb_per_connection, percentile, print_table, quotients, spread, whole

OURS, NGINX, TWICE = "opencmg", "nginx", "nginx x2"
LONG = "handshake, long CRL"


def gateway(report):
    return cpu(report, "gateway")


def inside(report):
    return cpu(report, "inside")


def per_second(report):
    return report["per_second"]


class Run:
    """One run's figures; what it did not measure is an empty list."""

    def __init__(self, results, more):
        self.results, self.more = results, more

    def of(self, key, candidate):
        return [r for r in self.results if (r["key"], r["candidate"]) == (key, candidate)]

    def values(self, key, candidate, figure):
        return [v for v in map(figure, self.of(key, candidate)) if v is not None]

    def ratios(self, key, figure, theirs=NGINX, base=None):
        """Ours to theirs of the same round."""
        return quotients(self.of(key, OURS), self.of(key, theirs), figure, base or figure)

    def rows(self, key, base_key, figure):
        """Our own, of two rows, the medians."""
        own, base = self.values(key, OURS, figure), self.values(base_key, OURS, figure)
        return [statistics.median(own) / statistics.median(base)] if own and base else []

    def scenario(self, kind, candidate):
        return [entry for entry in self.more.get(kind, []) if entry["candidate"] == candidate]

    def scenarios(self, kind, figure, theirs):
        return [figure(a) / figure(b) for a, b in zip(self.scenario(kind, OURS), self.scenario(kind, theirs)) if figure(b)]

    def index_mb(self):
        """For a million entries: what a start with the long list takes more than one with the middle list."""
        middle, long = ([e["memory_mb"] for e in self.scenario(f"start handshake, {which} CRL", OURS)] for which in ("middle", "long"))
        return [(b - a) / 0.9 for a, b in zip(middle, long)]

    def stall_ms(self):
        return [(r["meanwhile"]["p999_us"] - r["quiet"]["p999_us"]) / 1000 for r in self.scenario("changed " + LONG, OURS)]

    def gigabyte(self, way):
        ours, theirs = ([r["mb_per_s"] for r in self.scenario("gigabyte", who) if r["way"] == way] for who in (OURS, TWICE))
        return [a / b for a, b in zip(ours, theirs)]

    def grown_mb(self):
        return [max(p["grown_mb"] for p in r["processes"].values()) for r in self.scenario("gigabyte", OURS)]


# (what, at most or at least, how much, its figures)
TARGETS = (
    ("keep-alive, 32 connections: gateway : nginx", "<=", 0.6, lambda run: run.ratios("keep-alive", gateway)),
    ("… connector : nginx", "<=", 0.5, lambda run: run.ratios("keep-alive", inside, base=gateway)),
    ("… both : nginx", "<=", 1.0, lambda run: run.ratios("keep-alive", whole, base=gateway)),
    ("… both : nginx x2, both", "<=", 0.5, lambda run: run.ratios("keep-alive", whole, TWICE)),
    ("HTTP/2 : HTTP/1.1 clients, gateway", "<=", 1.0, lambda run: run.rows("h2", "keep-alive", gateway)),
    ("4,096 connections : 32, requests a second", ">=", 0.8, lambda run: run.rows("keep-alive 4096", "keep-alive", per_second)),
    ("full handshake, CRL of 10: gateway : nginx", "<=", 0.7, lambda run: run.ratios("handshake", gateway)),
    ("… long CRL: gateway : nginx", "<=", 0.01, lambda run: run.ratios(LONG, gateway)),
    ("… long CRL : CRL of 10, gateway", "<=", 1.03, lambda run: run.rows(LONG, "handshake", gateway)),
    ("resumed handshake: gateway : nginx with tickets", "<=", 0.4, lambda run: run.ratios("resumed", gateway)),
    ("… gateway : nginx with a shared cache", "<=", 1.0, lambda run: run.ratios("resumed", gateway, "nginx, cache")),
    ("long CRL: MB of a million entries", "<=", 16, Run.index_mb),
    ("… CPU to take it : nginx's reload", "<=", 0.1, lambda run: run.scenarios("changed " + LONG, lambda r: r["cpu_s"], NGINX)),
    ("… p99.9 of other requests rises by ms", "<=", 5, Run.stall_ms),
    ("a token judged before, more than a certificate, µs", "<=", 3, lambda run: run.more.get("token_extra_us", [])),
    ("1,000 idle connections: memory of each : nginx", "<=", 0.9, lambda run: run.ratios("idle 1000", kb_per_connection)),
    ("… 15,000 : 1,000, each", "<=", 1.05, lambda run: run.rows("idle 15000", "idle 1000", kb_per_connection)),
    ("1 GB down: MB a second : nginx x2", ">=", 0.9, lambda run: run.gigabyte("down")),
    ("… up", ">=", 0.9, lambda run: run.gigabyte("up")),
    ("… memory grew by MB", "<=", 4, Run.grown_mb),
    ("p99 at half load : nginx x2", "<=", 1.0, lambda run: run.ratios("half load", percentile("p99"), TWICE)),
)


def judge(results, more):
    """Those that the run measured."""
    run, judged = Run(results, more), []
    for what, sign, limit, figures in TARGETS:
        values = figures(run)
        if values:
            value = statistics.median(values)
            judged.append({"what": what, "target": f"{sign} {limit}", "value": value, "values": values,
                           "met": value <= limit if sign == "<=" else value >= limit})
    return judged


def show(judged, out):
    print_table("Targets", [("what", "target", "is", ""), *((t["what"], t["target"], spread(t["values"]), "met" if t["met"] else "not met")
                                                            for t in judged)], out)
