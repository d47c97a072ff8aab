"""Files that appear whole, and of which the first one stays where that is asked for."""

import os
import subprocess
import sys

import pytest

from space_core.whole import alone, check_new, check_writable, whole_file


@pytest.mark.parametrize("links", [True, False])
def test_of_two_who_write_the_same_file_the_first_to_end_is_read_ever_after(
    tmp_path, monkeypatch, links
):
    def refuse(*_):
        raise PermissionError("no links here")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "file"
    with whole_file(path, first=True) as slow:
        slow.write_text("slow")
        with whole_file(path, first=True) as quick:
            quick.write_text("quick")
        assert path.read_text() == "quick"
    assert path.read_text() == "quick" and list(tmp_path.iterdir()) == [path]
    with whole_file(path) as last:
        last.write_text("last")
    assert path.read_text() == "last" and list(tmp_path.iterdir()) == [path]


def test_one_process_at_a_time_is_inside(tmp_path):
    code = (
        "import sys\nfrom pathlib import Path\nfrom space_core.whole import alone\n"
        "print('asks', flush=True)\nwith alone(Path(sys.argv[1])): print('inside', flush=True)"
    )
    with alone(tmp_path):
        other = subprocess.Popen(
            [sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True
        )
        assert other.stdout.readline() == "asks\n"
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(0.5)
    assert other.communicate(timeout=60)[0] == "inside\n" and other.returncode == 0


def test_where_nothing_can_be_written_is_said_beforehand_and_nothing_is_made(tmp_path):
    (tmp_path / "file").touch()
    for check in (check_writable, check_new):
        check(tmp_path / "some" / "new")
        with pytest.raises(ValueError, match="Nothing can be written to .*deep"):
            check(tmp_path / "file" / "deep")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    for check in (check_writable, check_new):
        with pytest.raises(ValueError, match="nowhere"):
            check(tmp_path / "nowhere")
    (tmp_path / "nowhere").unlink()
    check_writable(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
