"""``python -m scheduler``: the same as the console script."""

from scheduler.cli.main import main

if __name__ == "__main__":
    main()
