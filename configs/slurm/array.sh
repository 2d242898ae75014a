#!/usr/bin/env bash
# One shard of a capture in each task of a job array: no MPI, nothing that the tasks have to agree on.
#   array=$(sbatch --parsable --export=ALL,CONFIG=run.yaml array.sh)
#   sbatch --dependency=afterany:"$array" --export=ALL,CONFIG=run.yaml finish.sh
# 128 shards, 32 at once: four for each slot, so that the slots end at about the same time though documents
# differ. Other numbers are given twice, here or as sbatch --array=0-15%4 --export=ALL,SHARDS=16,CONFIG=...
# For a GPU in each task add --gres=gpu:1.
#SBATCH --job-name=qkscope
#SBATCH --array=0-127%32
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=16
#SBATCH --time=04:00:00
#SBATCH --signal=USR1@300
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=qkscope-%A_%a.log
shards=${SHARDS:-128} # not taken from the array, since a part of it may be submitted again
config=${CONFIG:-run.yaml}
qkscope=${QKSCOPE:-qkscope}
restarts=${RESTARTS:-20} # at most so many requeues of a task; 0 in a chain (chain.sh)
: "${SLURM_ARRAY_TASK_ID:?this script is for a job array}"

srun --ntasks=1 --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" \
  "$qkscope" sniff "$config" --shard "$SLURM_ARRAY_TASK_ID/$shards"
code=$?

# 75: stopped before the time limit or by a signal. Above 128: killed. Both go on where they were.
if [ "$code" -eq 75 ] || [ "$code" -gt 128 ]; then
  if [ "${SLURM_RESTART_COUNT:-0}" -lt "$restarts" ]; then
    # The task alone: one of them has the array's own number as its SLURM_JOB_ID.
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
  fi
fi
exit "$code"
