"""The command `wann`, and `python -m wann`."""

import signal

from wann.utils.signals import end_at_once


def main() -> None:
    """Run the command line; while it is loaded, and after its end, SIGINT ends the process in one line."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, end_at_once)
    from wann.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
