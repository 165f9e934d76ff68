"""``python -m HabitatRadiomicsLib`` is the same program as ``habitat-radiomics``."""

import sys

from HabitatRadiomicsLib.commands.program import main

if __name__ == "__main__":
    sys.exit(main())
