"""`python -m edgernn.cli`, where the program `edgernn` is not on the path."""

from edgernn.cli import main

main()
