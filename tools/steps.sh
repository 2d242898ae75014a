# shellcheck shell=bash
# Sourced by demo, check and tools/setup. Prints one line per step with its time; shows the output of a
# step only if it fails.
#   step "what it does" command...    as a command of its own, or the last after ||: not in an if or before &&
set -euo pipefail
steps_log_dir=${QK_LOG_DIR:-$PWD/.cache/log}
mkdir -p "$steps_log_dir"

step() {
  local what=$1 start=$SECONDS log
  shift
  log=$steps_log_dir/$(printf '%s' "$what" | tr -cs 'A-Za-z0-9' '-').log
  printf '%-58s' "$what ..."
  # Not as a condition: in those, functions go on after a command of theirs that fails.
  set +e
  (
    set -e
    "$@"
  ) >"$log" 2>&1 </dev/null
  local code=$?
  set -e
  if [ $code = 0 ]; then
    printf ' %4d s\n' $((SECONDS - start))
  else
    printf ' failed after %d s (exit code %d)\n' $((SECONDS - start)) "$code"
    printf 'The end of %s:\n' "$log"
    tail -n 60 "$log"
    exit 1
  fi
}
