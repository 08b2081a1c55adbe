"""C{python -m achat_twisted} is C{achat}."""

from achat_twisted.cli import main

if __name__ == "__main__":
    main()
