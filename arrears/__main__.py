"""`python -m arrears`, and where the command begins."""

from flows.command import main

if __name__ == "__main__":
    main(prog_name="arrears")
