"""Progress, where nobody watches a terminal."""

from wann import progress as live


def test_progress_off_a_terminal_is_a_line_now_and_then(capsys, monkeypatch):
    now = 0.0
    monkeypatch.setattr(live.time, "monotonic", lambda: now)
    with live.bar("Recording") as progress:
        for done in range(101):
            now = 0.5 * done
            progress(done, 100)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"Recording {k}/100  0:{50 - k // 2:02d} left" for k in (20, 40, 60, 80)]
