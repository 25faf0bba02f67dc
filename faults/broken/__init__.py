"""The proof that the suite can fail: the site with one of its guards broken on purpose.

    python -m faults.broken            # each, until it is noticed
    python -m faults.broken gap-repair

The product knows nothing of it: the servers are started with `faults.broken.app`, which breaks the guard
named in FAULTS_BREAK and then loads the site.
"""
