"""`python -m composer …`: results on stdout; progress, and the one sentence of a refusal, on stderr.

Exit status: 0 done, 1 refused, 2 wrong usage, 130 stopped by Ctrl-C. What needs torch is imported within the commands,
so that `--help` and a wrong usage do not wait for it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from composer.cli import asking, bank, bench, cases, evaluating, index, serving, space, train
from composer.errors import ComposerError

GROUPS = (asking, evaluating, cases, index, bank, serving, space, train, bench)
"""Each module adds its commands."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status. Wrong usage leaves through argparse's SystemExit, with 2."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.command(arguments)
        return 0
    except ComposerError as error:
        print(f"composer: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        raise  # whoever reads our output has read enough: no failure of the command
    except OSError as error:  # of a path that was given, and that nobody below has put into words
        print(f"composer: {_in_words(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ncomposer: stopped.", file=sys.stderr)
        return 130


def _in_words(error: OSError) -> str:
    what = repr(str(error.filename)[:100]) if error.filename else "a file or folder"
    return f"{what} cannot be used ({error.strerror or error}). Correct the path, or its permissions."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m composer", description=sys.modules["composer"].__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in GROUPS:
        group.add(commands)
    return parser
