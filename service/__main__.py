"""`python -m service` is `inbrief`."""

from service.cli import main

if __name__ == "__main__":
    main()
