"""What a run prints."""

from collections import Counter
from collections.abc import Sequence

from faults.run import Result
from faults.schedule import KINDS

MOST = 30  # violations of one run


def line(result: Result) -> str:
    """One run in a line."""
    counts = result.counts
    verdict = f"{len(result.violations)} VIOLATIONS" if result.violations else "ok"
    return (
        f"seed {result.options.seed}: {verdict}; {len(result.faults)} faults, {counts['posts']} posts,"
        f" {counts['confirmed']} confirmed, {counts['connections']} connections, {counts['resumes']} resumes;"
        f" at most {result.without_page:.1f} s without a page, {result.without_post:.1f} s without a"
        f" confirmation; settled after {result.settled_after:.1f} s"
    )


def details(result: Result) -> str:
    """What is needed to look into a run that went wrong, or was one alone."""
    options = result.options
    again = (
        f"python -m faults --seed {options.seed} --seconds {options.seconds:g} --database {options.database}"
        f" --tabs {options.tabs} --processes {options.processes} --server {options.server}"
    )
    if options.chromium:
        again += f" --chromium {options.chromium}"
    if options.kinds:
        again += f" --kinds {','.join(options.kinds)}"
    lines = [
        f"again: {again}",
        f"logs: {result.logs}",
        "schedule:",
        *(f"  {fault}" for fault in result.faults),
    ]
    lines += ["counts:", f"  {told(result.counts)}"]
    if result.violations:
        lines += ["violations:", *(f"  {what}" for what in result.violations[:MOST])]
    return "\n".join(lines)


def summary(results: Sequence[Result]) -> str:
    """All runs together."""
    counts: Counter[str] = Counter()
    for result in results:
        counts.update(result.counts)
    bad = [str(result.options.seed) for result in results if result.violations]
    minutes = sum(result.options.seconds for result in results) / 60
    lines = [
        f"{len(results)} runs, {minutes:.0f} minutes of load, {sum(len(r.faults) for r in results)} faults: "
        + (f"violations with seeds {', '.join(bad)}" if bad else "no violation"),
        f"at most {max(r.without_page for r in results):.1f} s without a page,"
        f" {max(r.without_post for r in results):.1f} s without a confirmation",
        "faults: " + told(Counter({name: counts[name] for name in KINDS if counts[name]})),
        "counts: " + told(Counter({name: n for name, n in counts.items() if name not in KINDS})),
    ]
    return "\n".join(lines)


def told(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
