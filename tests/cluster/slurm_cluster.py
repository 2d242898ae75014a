"""A Slurm of virtual nodes on the loopback of this machine, without systemd and beside any other Slurm:
all its files are in one folder. To be used inside a private machine (private_machine.py).

    with SlurmCluster(folder, num_nodes=2) as cluster:
        cluster.run(["srun", "-N2", "hostname"])"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time

import private_machine

CONTROLLER_PORT, NODE_PORT = 26817, 26819
PROGRAMS = ("munged", "slurmctld", "slurmd", "srun", "sbatch", "scontrol", "sinfo", "squeue", "scancel")
# States in which a job is over for good.
FINAL = {"COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY"}
# What lets mpirun start as root, and more ranks than there are cores.
OPEN_MPI_RUN = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                "OMPI_MCA_rmaps_base_oversubscribe": "1",
                "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe"}
# Virtual nodes have one name, so shared memory would mix them: messages go through UCX over the
# loopback. (Open MPI's own TCP crashes now and then: started by srun, a rank sends before another has
# set up its callbacks in MPI_Init. 1 of 40 runs with two ranks a node, on two busy cores.)
OPEN_MPI = OPEN_MPI_RUN | {
    "OMPI_MCA_pml": "ucx", "OMPI_MCA_pml_ucx_tls": "any", "OMPI_MCA_pml_ucx_devices": "any",
    "OMPI_MCA_osc": "^ucx", "UCX_TLS": "tcp,self", "UCX_NET_DEVICES": "lo",
    # Of a rank that leaves first, or is killed, UCX says things on the standard output.
    "UCX_LOG_LEVEL": "fatal", "OMPI_MCA_opal_common_ucx_verbose": "-1"}
MPICH = {"FI_PROVIDER": "tcp", "FI_TCP_IFACE": "lo", "MPIR_CVAR_NOLOCAL": "1"}

CONFIGURATION = """
ClusterName=qk
SlurmctldHost={host}({address})
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
SlurmctldPort={controller_port}
SlurmdPort=26818
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
TmpFS={folder}/tmp/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1
KillWait=5
{options}
{partitions}
"""
PARTITION = "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP"


def need_slurm():
    """Ends the test as skipped unless Slurm and munge are installed."""
    private_machine.need_programs(*PROGRAMS)


class SlurmCluster:
    """num_nodes virtual nodes n1, n2, ... of cpus_per_node each. `options` are further lines of
    slurm.conf. The environment of its commands is `environment`."""

    def __init__(self, folder, num_nodes=2, cpus_per_node=2, options="", partitions=PARTITION):
        self.folder = os.path.abspath(folder)
        self.nodes = [f"n{i + 1}" for i in range(num_nodes)]
        self.cpus_per_node = cpus_per_node
        self.servers = {}  # by name, in the order of their start
        self.seconds_to_start = None
        self.environment = os.environ | {"SLURM_CONF": f"{self.folder}/slurm.conf"}
        self._write_files(options, partitions)

    def _write_files(self, options, partitions):
        for name in ("state", *(f"{kind}/{node}" for kind in ("spool", "tmp") for node in self.nodes)):
            os.makedirs(f"{self.folder}/{name}", exist_ok=True)
        key = os.open(f"{self.folder}/munge.key", os.O_WRONLY | os.O_CREAT, 0o600)
        with open(key, "wb") as file:
            file.write(os.urandom(128))
        host = socket.gethostname()
        text = CONFIGURATION.format(host=host, address=private_machine.ADDRESS,
                                    folder=self.folder, controller_port=CONTROLLER_PORT,
                                    options=options, partitions=partitions)
        for i, node in enumerate(self.nodes):
            text += (f"NodeName={node} NodeHostname={host} NodeAddr={private_machine.ADDRESS} Port={NODE_PORT + i} "
                     f"CPUs={self.cpus_per_node} State=UNKNOWN\n")
        with open(f"{self.folder}/slurm.conf", "w", encoding="ascii") as file:
            file.write(text)

    def __enter__(self):
        start = time.monotonic()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        self.seconds_to_start = time.monotonic() - start
        return self

    def __exit__(self, *_):
        self.stop()

    def _start(self):
        munge = f"{self.folder}/munge"
        self._serve("munged", "--foreground", "--force", f"--key-file={munge}.key",
                    f"--socket={munge}.sock", f"--pid-file={munge}.pid", f"--log-file={munge}.log",
                    f"--seed-file={munge}.seed")
        self._wait("munged to listen", lambda: os.path.exists(f"{munge}.sock"))
        self._serve("slurmctld", "-D", "-f", f"{self.folder}/slurm.conf")
        for node in self.nodes:
            self.start_node(node)
        self._wait("idle nodes", self._nodes_are_idle)

    def _nodes_are_idle(self):
        said = self.run(["sinfo", "-h", "-N", "-o", "%N %T"], check=False).stdout.split("\n")
        # A node has a line for each partition it is in.
        return {line for line in said if line} == {f"{node} idle" for node in self.nodes}

    def _serve(self, name, *arguments, label=None):
        with open(f"{self.folder}/{label or name}.out", "wb") as out:
            self.servers[label or name] = subprocess.Popen(
                [name, *arguments], env=self.environment, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, start_new_session=True)

    def _wait(self, what, condition, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            ended = [name for name, server in self.servers.items() if server.poll() is not None]
            if ended or time.monotonic() > deadline:
                raise RuntimeError(f"waited for {what}; ended: {ended}\n{self.logs()}")
            time.sleep(0.02)

    def start_node(self, node):
        self._serve("slurmd", "-D", "-f", f"{self.folder}/slurm.conf", "-N", node, label=f"slurmd.{node}")

    def logs(self, num_lines=15):
        """The ends of all logs, for messages."""
        text = ""
        for name in sorted(os.listdir(self.folder)):
            if name.endswith((".log", ".out")):
                with open(f"{self.folder}/{name}", errors="replace", encoding="utf-8") as file:
                    text += f"--- {name}\n" + "".join(file.readlines()[-num_lines:])
        return text

    def stop(self):
        """Ends all jobs and servers, each by its process."""
        if "slurmctld" in self.servers and self.servers["slurmctld"].poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.run(["scancel", "-s", "KILL", "-u", "root"], check=False, timeout=10)
        # Nodes first: they would wait for a controller, or a munged, that has left.
        self._end([name for name in self.servers if name.startswith("slurmd.")])
        self._end(["slurmctld"])
        self._end(["munged"])

    def _end(self, names):
        servers = [self.servers.pop(name) for name in names if name in self.servers]
        for server in servers:
            if server.poll() is None:
                server.send_signal(signal.SIGTERM)
        for server in servers:
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()

    def run(self, command, env=None, check=True, timeout=60, **options):
        """A CompletedProcess with text. With `check` an exit code other than 0 is an error that
        shows what the command and the servers said."""
        done = subprocess.run(command, env=self.environment | (env or {}), text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              **options)
        if check and done.returncode:
            raise RuntimeError(f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
                               f"{self.logs()}")
        return done

    def start(self, command, env=None, **options):
        """A Popen of a command, for what goes on meanwhile."""
        return subprocess.Popen(command, env=self.environment | (env or {}), text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **options)

    def submit(self, script, *options, env=None, cwd=None):
        """Submits a script (its file, or its text if it begins with #!) and returns the job's number."""
        if script.startswith("#!"):
            path = f"{self.folder}/job.{time.monotonic_ns()}.sh"
            with open(path, "w", encoding="utf-8") as file:
                file.write(script)
            script = path
        done = self.run(["sbatch", "--parsable", *options, script], env=env, cwd=cwd or self.folder)
        return done.stdout.strip().split(";")[0]

    def states(self, job):
        """{"7" or "7_2": "COMPLETED"} of a job and the tasks of its array."""
        said = self.run(["scontrol", "show", "job", "-o", job], check=False).stdout
        out = {}
        for line in said.splitlines():
            fields = dict(re.findall(r"(\w+)=(\S*)", line))
            name = fields.get("JobId", "")
            if "ArrayTaskId" in fields:
                name = f"{fields['ArrayJobId']}_{fields['ArrayTaskId']}"
            if name:
                out[name] = fields["JobState"]
        return out

    def wait_for(self, job, seconds=120):
        """Waits until the job and all tasks of its array are over; returns their states."""
        deadline = time.monotonic() + seconds
        while True:
            states = self.states(job)
            if states and all(state in FINAL for state in states.values()):
                return states
            if time.monotonic() > deadline:
                raise RuntimeError(f"job {job}: {states} after {seconds} s\n{self.logs()}")
            time.sleep(0.1)

    def start_now(self, job):
        """A job that was requeued starts at once, not after two minutes."""
        self.run(["scontrol", "update", f"JobId={job}", "StartTime=now"], check=False)

    def finish_with_requeues(self, job, seconds=120):
        """As wait_for, but whatever is requeued starts soon: not at once, or Slurm may take the end
        of the earlier start for that of the later one."""
        deadline = time.monotonic() + seconds
        waiting_since = {}
        while True:
            states = self.states(job)
            if states and all(state in FINAL for state in states.values()):
                return states
            for name, state in states.items():
                if state != "PENDING" or "-" in name or "[" in name:
                    waiting_since.pop(name, None)
                elif time.monotonic() - waiting_since.setdefault(name, time.monotonic()) > 1:
                    self.start_now(name)
            if time.monotonic() > deadline:
                raise RuntimeError(f"job {job}: {states} after {seconds} s\n{self.logs()}")
            time.sleep(0.2)


def report_start(cluster):
    print(f"slurm: {len(cluster.nodes)} nodes in {cluster.seconds_to_start:.2f} s", file=sys.stderr)
