"""Start the command line; signals are noted first, for loading the commands takes a second or two."""

from __future__ import annotations

from domain.data_dir import make_closed
from flows.signals import install_stop_signals, keep_exit_code


def main() -> None:
    """Run the command line."""
    install_stop_signals()
    make_closed()
    # imported here: whoever asks to end meanwhile must not get a traceback out of the middle of an import
    from forewarn.command_line import run_command_line

    try:
        run_command_line()
    finally:
        keep_exit_code()


if __name__ == "__main__":
    main()
