"""`python -m sandbox.courier`."""

from sandbox.courier.app import main

if __name__ == "__main__":
    main()
