"""`wann watch`: a folder that is none is refused."""

import pytest

from wann.cli.main import main


def test_the_command_refuses_a_folder_that_never_was_in_one_line(capsys, tmp_path):
    with pytest.raises(SystemExit) as caught:
        main(["watch", str(tmp_path / "nowhere"), "--no-browser"])
    captured = capsys.readouterr()
    assert (caught.value.code, captured.out, captured.err.count("\n")) == (2, "", 1)
    assert captured.err.startswith("wann: run folder ")
