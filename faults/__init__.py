"""The fault suite: a real site under load, a schedule of faults, and a look at what every tab then shows.

    python -m faults --seed 7 --seconds 60
    python -m faults --seeds 1-50 --database postgres --processes 2

docs/reliability.md says what is tried and what is promised.
"""
