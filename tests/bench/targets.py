"""What the cost must be, as ratios of medians of one run."""


class Target:
    """`ratio(values)`: ours over the bound, at most 1 when met. `values[case][peer]`."""

    def __init__(self, title, ratio):
        self.title, self.ratio = title, ratio


def at_most(case, peers, factor=1.0):
    """Ours costs at most so much of what the named ones cost."""

    def ratio(values):
        bound = min(values[case][peer] for peer in peers if peer in values[case])
        return values[case]["rootcell"] / (bound * factor)

    return ratio


def at_least(case, peer, factor):
    """Our rate is at least so much of the other one's."""

    def ratio(values):
        return values[case][peer] * factor / values[case]["rootcell"]

    return ratio


def of_own(base, case, factor):
    """Our rate in one case is at least so much of that in another."""

    def ratio(values):
        return values[base]["rootcell"] * factor / values[case]["rootcell"]

    return ratio


def below(case, bound):
    return lambda values: values[case]["rootcell"] / bound


ALL = [
    Target("h1 keep-alive request, 1 KiB: at most nginx's", at_most("h1_1k", ["nginx"])),
    Target("h1 keep-alive request, 64 KiB: at most nginx's", at_most("h1_64k", ["nginx"])),
    Target("h1 keep-alive request, 1 KiB: at most nghttpx's", at_most("h1_1k", ["nghttpx"])),
    Target("h2 request, 1 KiB: at most nginx's", at_most("h2_1k", ["nginx"])),
    Target("h2 request, 1 KiB: at most nghttpx's", at_most("h2_1k", ["nghttpx"])),
    Target("h2 request, 64 KiB: at most nghttpx's", at_most("h2_64k", ["nghttpx"])),
    Target("new connection, warm pool: at most 1.1 of nginx's",
           at_most("new_warm", ["nginx"], 1.1)),
    Target("bulk to the agent: at least 80 % of the plain relay",
           at_least("down_h1", "plain relay", 0.8)),
    Target("bulk from the agent: at least 80 % of the plain relay",
           at_least("up_h1", "plain relay", 0.8)),
    Target("added p99: at most 1 ms", below("p99", 1.0)),
    Target("event delayed by at most 1 ms at 100 streams", below("event_100", 1.0)),
    Target("event delayed by at most 1 ms at 100 h2 streams", below("event_h2_100", 1.0)),
    Target("memory at rest: at most 12 MB", below("rest", 12.0)),
    Target("memory with 1,000 idle h2 connections: at most 45 MB", below("idle_h2", 45.0)),
    Target("names: at least dnsmasq's rate", at_most("dns", ["dnsmasq"])),
    Target("decision at 10,000 rules and more: under 1 microsecond",
           below("decision_100000", 1000.0)),
    *[Target(f"50 MB stream, {what}: at least 90 % of the rate with nobody watching"
             f"{'' if core == 'same' else ', recorder on another core'}",
             of_own(f"capture_none_{core}", f"capture_{mode}_{core}", 0.9))
      for core in ("same", "other")
      for mode, what in (("events", "a viewer"), ("bodies", "a viewer of bodies"),
                         ("stopped", "a viewer that stopped reading"), ("recording", "recording"))],
    Target("start to first accept: at most 20 ms", below("start", 20.0)),
]


def judge(values):
    """(title, ratio or None when it could not be measured) of every target."""
    judged = []
    for target in ALL:
        try:
            judged.append((target.title, target.ratio(values)))
        except (KeyError, ValueError, ZeroDivisionError):
            judged.append((target.title, None))
    return judged
