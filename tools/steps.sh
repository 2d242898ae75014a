# shellcheck shell=bash
# Sourced by demo, check and tools/setup. Prints one line per step with its time; shows the output of a
# step only if it fails.
#   step "what it does" command...
set -euo pipefail
steps_log_dir=${QK_LOG_DIR:-$PWD/.cache/log}
mkdir -p "$steps_log_dir"

step() {
  local what=$1 start=$SECONDS log
  shift
  log=$steps_log_dir/$(printf '%s' "$what" | tr -cs 'A-Za-z0-9' '-').log
  printf '%-58s' "$what ..."
  if "$@" >"$log" 2>&1 </dev/null; then
    printf ' %4d s\n' $((SECONDS - start))
  else
    local code=$?
    printf ' failed after %d s (exit code %d)\n' $((SECONDS - start)) "$code"
    printf 'The end of %s:\n' "$log"
    tail -n 60 "$log"
    exit 1
  fi
}
