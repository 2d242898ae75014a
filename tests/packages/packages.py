"""The packages that the tests look at, and bare systems to try them in.

Packages are made by tools/package, unless QK_PACKAGES names a folder that has them. Systems are installed anew by
debootstrap; with QK_SYSTEMS, a folder, they are kept there and copied."""

import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tools"))
from check_version import project_version  # noqa: E402

SKIPPED = 77
SUITES = ("bullseye", "bookworm", "trixie")
PROXIES = [form for name in ("http_proxy", "https_proxy", "no_proxy") for form in (name, name.upper())]
# A command in a bare system. Nothing that is mounted, and no process, outlives the namespaces.
APART = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
ENTER = ["sh", "-c", 'mount -t proc proc "$0/proc" && exec chroot --userspec="$WHO" "$0" "$@"']


def skip(reason):
    print(f"skipped: {reason}", flush=True)
    sys.exit(SKIPPED)


def need_root_and(*programs):
    if os.geteuid() != 0:
        skip("not root: what packages are made and tried with is installed and mounted by root")
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        skip(f"not installed: {', '.join(missing)}; tools/setup --package installs them")


def package(pattern, mode):
    """The file of QK_PACKAGES that fits `pattern`, or the one that `tools/package mode` makes."""
    given = pathlib.Path(os.environ.get("QK_PACKAGES") or ROOT / "build" / "packages").resolve()
    if not os.environ.get("QK_PACKAGES"):
        subprocess.run([ROOT / "tools" / "package", mode, given], check=True)
    found = list(given.glob(pattern))
    if len(found) != 1:
        sys.exit(f"{given}: expected one {pattern}, found {[path.name for path in found]}")
    return found[0]


def tarball():
    return package(f"qkscope-{project_version()}-linux-x86_64.tar.xz", "tarball")


def deb():
    return package(f"qkscope_{project_version()}_amd64.deb", "deb")


def wheel():
    return package(f"qkscope-{project_version()}-py3-none-manylinux_*.whl", "wheel")


def install_system(suite, root, *included):
    """A bare Debian in the folder `root`: its base system and the packages `included`, from apt's own mirror."""
    kept = os.environ.get("QK_SYSTEMS")
    if not kept:
        debootstrap(suite, root, included)
        return
    original = pathlib.Path(kept) / "-".join([suite, *included])
    if not original.exists():
        shutil.rmtree(f"{original}.new", ignore_errors=True)
        debootstrap(suite, f"{original}.new", included)
        os.rename(f"{original}.new", original)
    subprocess.run(["cp", "--archive", original, root], check=True)


def debootstrap(suite, root, included):
    done = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE)", "Codename: bookworm"],
                          capture_output=True, text=True, check=True)
    mirror = done.stdout.split("\n")[0] or "http://deb.debian.org/debian"
    include = [f"--include={','.join(included)}"] if included else []
    subprocess.run(["debootstrap", "--variant=minbase", *include, suite, root, mirror], check=True,
                   stdout=subprocess.DEVNULL)


def run_apart(root, *words, user="nobody:nogroup", has_network=False):
    """What a command writes to stdout in the system `root`, as `user`; AssertionError if it fails. The program finds
    its libraries by /proc/self/exe."""
    network = [] if has_network else ["--net"]
    variables = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent", "WHO": user}
    if has_network:
        variables.update({name: os.environ[name] for name in PROXIES if name in os.environ})
    done = subprocess.run([*APART, *network, *ENTER, root, *words], capture_output=True, text=True, env=variables)
    if done.returncode != 0:
        raise AssertionError(f"{root}: {words[0]}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def unpack(file, folder):
    """Unpacks a tarball. Returns its only folder."""
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="tar") if hasattr(tarfile, "tar_filter") else archive.extractall(folder)
    (top,) = pathlib.Path(folder).iterdir()
    return top
