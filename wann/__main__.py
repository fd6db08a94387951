"""The command `wann`, and `python -m wann`."""

# The compiled part of `signal`: to load the rest takes time in which a signal may come.
import _signal  # type: ignore[import-not-found]

from wann.utils.at_once import end_at_once


def main() -> None:
    """Run the command line; while it is loaded, and after its end, SIGINT ends the process in one line."""
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, end_at_once)
    from wann.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
