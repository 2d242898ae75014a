#!/usr/bin/env bash
# A capture over several nodes as one MPI job, which requeues itself until the dataset is finished:
#   sbatch --export=ALL,CONFIG=run.yaml mpi.sh
# CPU nodes: one rank a node, with all of its cores. GPU nodes: one rank a GPU, for example
#   sbatch --gres=gpu:4 --ntasks-per-node=4 --cpus-per-task=16 --export=ALL,CONFIG=run.yaml mpi.sh
#SBATCH --job-name=qkscope
#SBATCH --nodes=8
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --time=04:00:00
#SBATCH --signal=USR1@300
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=qkscope-%j.log
config=${CONFIG:-run.yaml}
qkscope=${QKSCOPE:-qkscope}
mpi=${MPI:-pmix}         # how srun starts ranks: pmix for Open MPI, pmi2 for MPICH and its relatives
restarts=${RESTARTS:-20} # at most so many requeues; 0 in a chain (chain.sh)

# Of each rank, said to srun as well: since Slurm 22.05 it does not take --cpus-per-task over from the job.
# Without it the ranks of a node divide its cores.
cores=${SLURM_CPUS_PER_TASK:-$((${SLURM_CPUS_ON_NODE:-1} / ${SLURM_NTASKS_PER_NODE:-1}))}

# --wait=0: a rank that is killed does not end the others, whatever the site's WaitTime.
srun --mpi="$mpi" --kill-on-bad-exit=0 --wait=0 --cpus-per-task="$((cores > 0 ? cores : 1))" \
  "$qkscope" sniff "$config" --resume
code=$?

# 75: stopped before the time limit or by a signal. Above 128: a rank was killed; srun says so even if the
# others have finished the dataset, and the next start then ends at once.
if [ "$code" -eq 75 ] || [ "$code" -gt 128 ]; then
  if [ "${SLURM_RESTART_COUNT:-0}" -lt "$restarts" ]; then
    scontrol requeue "$SLURM_JOB_ID"
  fi
fi
exit "$code"
