#!/usr/bin/env bash
# Writes the dataset when all tasks of array.sh have ended:
#   sbatch --dependency=afterany:"$array" --export=ALL,CONFIG=run.yaml finish.sh
# If documents are missing, the log names them and their shards, and the exit code is 75. Run those again
# (sbatch --array=17,40-43 --export=ALL,CONFIG=run.yaml array.sh) and then this.
#SBATCH --job-name=qkscope-finish
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --time=02:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=qkscope-finish-%j.log
config=${CONFIG:-run.yaml}
qkscope=${QKSCOPE:-qkscope}

# --requeue is for preemption: the next start writes the same files from the beginning.
srun --ntasks=1 --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" "$qkscope" sniff "$config" --finish
code=$?

# 75: documents are missing, which another start would not change, or it was stopped. In the time of grace of
# a preemption Slurm requeues only what does not end, so this does it.
if [ "$code" -eq 75 ] && scontrol show job "$SLURM_JOB_ID" | grep -q 'PreemptTime=[0-9]'; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
