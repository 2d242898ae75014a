"""A machine of its own for tests that start servers: only the loopback interface, its own
processes, its own shared memory, its own name. Whatever a test leaves running ends with it, and two
of them never see each other. Needs root."""

import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

SKIPPED = 77
HOST = "qkhost"
# Of its only interface. getaddrinfo with AI_ADDRCONFIG, as Slurm calls it, finds no host if that is
# 127.0.0.1.
ADDRESS = "127.0.0.2"
INSIDE = "QK_PRIVATE_MACHINE"
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP = 0x8913, 0x8914, 0x8916, 1
NAMESPACES = ["--net", "--pid", "--mount", "--uts", "--ipc"]


def skip(reason):
    print(f"skipped: {reason}", flush=True)
    sys.exit(SKIPPED)


def need_programs(*names):
    missing = [name for name in names if shutil.which(name, path=search_path()) is None]
    if missing:
        skip(f"not installed: {', '.join(missing)}; tools/setup --check installs them")


def search_path():
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def enter():
    """Runs this test again inside a machine of its own and ends with its exit code; inside returns."""
    if os.environ.get(INSIDE):
        set_up()
        return
    if os.geteuid() != 0:
        skip("not root: a private machine needs namespaces")
    need_programs("unshare")
    command = ["unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc"]
    if subprocess.run([*command, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        skip("namespaces are not allowed here (unshare --net --pid --mount)")
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("SLURM_", "OMPI_", "PMI", "MPI_", "PMIX_"))}
    environment |= {INSIDE: "1", "PATH": search_path()}
    sys.stdout.flush()
    done = subprocess.run([*command, sys.executable, *sys.argv], env=environment, check=False)
    sys.exit(done.returncode)


def set_up():
    socket.sethostname(HOST)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
        address = struct.pack("16sHH4s8x", b"lo", socket.AF_INET, 0, socket.inet_aton(ADDRESS))
        fcntl.ioctl(control, SIOCSIFADDR, address)
    mount("tmpfs", "/dev/shm", "tmpfs")
    # Names are looked up in this file alone.
    hosts = f"/dev/shm/hosts.{os.getpid()}"
    with open(hosts, "w", encoding="ascii") as file:
        file.write(f"127.0.0.1 localhost\n{ADDRESS} {HOST}\n")
    mount(hosts, "/etc/hosts", None, 4096)  # MS_BIND


def mount(source, target, kind, flags=0):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), target.encode(), kind and kind.encode(), flags, None):
        error = ctypes.get_errno()
        raise OSError(error, f"mount {target}: {os.strerror(error)}")
