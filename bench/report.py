"""What was measured, for people and for programs."""

import json
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.meter import BOTTLENECK, LONGEST_STALL, OWN, STOOD_STILL, Figures
from bench.scenes.scene import Outcome


@dataclass(frozen=True)
class Measured:
    """One run of one server; `column` is where it stands."""

    column: str
    outcome: Outcome


def columns(measured: list[Measured]) -> list[str]:
    return list(dict.fromkeys(one.column for one in measured))


def medians(measured: list[Measured], column: str) -> Figures:
    """Of each figure, over all runs."""
    runs = [one.outcome.figures for one in measured if one.column == column]
    return {name: median(run[name] for run in runs) for name in runs[0]}


def shown(figure: float) -> str:
    size = abs(figure)
    return f"{figure:,.{0 if size >= 100 else 1 if size >= 10 else 2}f}"


def table(measured: list[Measured], compares: bool = True) -> str:
    """A column for each server, of the medians with the least and the greatest, and how the first
    compares with each other one."""
    heads = columns(measured)
    others = heads[1:] if compares else []
    found = {head: medians(measured, head) for head in heads}
    rows = [["", *heads, *(f"{heads[0]} / {head}" for head in others)]]
    for name in found[heads[0]]:
        row = [name]
        for head in heads:
            values = [one.outcome.figures[name] for one in measured if one.column == head]
            spread = f" ({shown(min(values))} to {shown(max(values))})" if len(values) > 1 else ""
            row.append(shown(found[head][name]) + spread)
        first = found[heads[0]][name]
        row += [shown(first / found[head][name]) if found[head][name] else "-" for head in others]
        rows.append(row)
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows
    )


def remarks(measured: list[Measured]) -> list[str]:
    """What has to be known of the figures: what went wrong, and where they are not the server's."""
    found = []
    for one in measured:
        if one.outcome.faults:
            what = ", ".join(f"{count:,} {name}" for name, count in one.outcome.faults.items())
            found.append(f"WRONG: {one.column}: {what}")
        if one.outcome.figures.get(OWN, 0) > BOTTLENECK:
            found.append(
                f"WARNING: {one.column}: the load generator was at its limit; the server may do more"
            )
        if one.outcome.figures.get(STOOD_STILL, 0) > LONGEST_STALL:
            found.append(f"WARNING: {one.column}: the load generator stood still for a while; measure again")
        found += [f"{one.column}: {note}" for note in one.outcome.notes]
    return list(dict.fromkeys(found))


def as_json(scene: str, command: str, facts: dict[str, str], measured: list[Measured]) -> str:
    """Everything, with each run."""
    runs: list[dict[str, Any]] = [
        {"server": one.column, "figures": one.outcome.figures, "faults": one.outcome.faults,
         "curves": one.outcome.curves, "over": one.outcome.over}
        for one in measured
    ]  # fmt: skip
    of = {head: medians(measured, head) for head in columns(measured)}
    whole = {"scene": scene, "command": command, "facts": facts, "medians": of, "runs": runs}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"
