"""`python -m sandbox.puller`."""

from sandbox.puller.app import main

if __name__ == "__main__":
    main()
