"""Runs for the tests of runs."""

import pytest
from searches import tiny


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A run of twelve generations that nothing disturbed."""
    path = tmp_path_factory.mktemp("undisturbed") / "run"
    champion = tiny(path).champion
    # Else what comes late, or with new nodes, could differ without a test seeing it: choose another seed.
    assert champion.origin["generation"] > 9
    assert champion.genome.hidden_count
    return path
