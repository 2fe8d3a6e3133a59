"""`python -m robust_xtreme` is the command `robust-xtreme`."""

from robust_xtreme.cli import main

if __name__ == "__main__":
    main()
