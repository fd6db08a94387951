"""`wann settings`: lists every setting."""

from wann.settings import Settings


def test_settings_lists_every_setting_with_its_value(wann_command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, err = wann_command("settings", "--preset", "laptop")
    assert (code, err) == (0, "")
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if "│" in line]
    values = {cell[0]: cell[1] for cell in cells if cell[0]}
    assert set(values) == set(Settings.model_fields)
    assert values["preset"] == "laptop"
    assert values["population"] == "64"
    assert values["patience"] == "not set"
    assert all(cell[2] for cell in cells if cell[0])  # a long value is folded into further lines
