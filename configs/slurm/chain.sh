#!/usr/bin/env bash
# Submits the same job several times, each copy to begin when the one before has ended. For sites where a
# job cannot requeue itself. A copy that finds the work done ends at once. Runs on the login node:
#   chain.sh 5 --export=ALL,CONFIG=run.yaml,RESTARTS=0 mpi.sh
# Prints the number of the last job, so that another can wait for it (--dependency=afterany:NUMBER).
set -euo pipefail
case ${1:-} in
  "" | *[!0-9]* | 0*) echo "usage: chain.sh TIMES [OPTIONS OF SBATCH] SCRIPT" >&2; exit 1 ;;
esac
times=$1
shift
job=$(sbatch --parsable "$@")
for ((i = 1; i < times; ++i)); do
  job=$(sbatch --parsable --dependency=afterany:"${job%%;*}" "$@")
done
echo "${job%%;*}"
