#!/bin/sh
# Everything that can be known without a server, in under a minute: format, lint, types, arrows between rooms, dead code, fast tests.
# Two lanes run side by side, because two cores are what can be counted on. Every step runs even when another one failed.
set -u
cd "$(dirname -- "$0")/.." || exit 1
PATH="$PWD/node_modules/.bin:$PATH"
export PATH
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

# A cruise over too few files would be green for the wrong reason: there are at least as many modules as rooms.
arrows() {
  report=$(depcruise --config .dependency-cruiser.cjs src cmd) || { echo "$report"; return 1; }
  cruised=$(echo "$report" | sed -n 's/.*[^0-9]\([0-9][0-9]*\) modules, .* cruised.*/\1/p')
  rooms=$(find src -mindepth 1 -maxdepth 1 -type d | wc -l)
  [ "${cruised:-0}" -ge "$rooms" ] && return 0
  echo "only ${cruised:-0} modules were cruised, and there are $rooms rooms: the tool does not see the sources"
  return 1
}

step() {
  name=$1
  shift
  if "$@" > "$out/$name" 2>&1; then echo "ok      $name"; else echo "FAILED  $name"; echo "$name" >> "$out/failed"; fi
}

lane_one() {
  # Without its cache: that is by file, and a finding about types can come and go with another file.
  step lint eslint .
  step arrows arrows
  step dead-code knip --no-progress --no-config-hints
}

lane_two() {
  step format prettier --check --cache --cache-location node_modules/.cache/meterline-prettier --log-level warn .
  step types tsc --noEmit -p .
  step fast-tests vitest run --project unit --project property --project golden --project tidy
}

lane_one &
lane_two
wait

[ -s "$out/failed" ] || { tail -1 "$out/fast-tests"; exit 0; }
while read -r name; do printf '\n===== %s =====\n' "$name"; cat "$out/$name"; done < "$out/failed"
printf '\nfailed: %s\n' "$(tr '\n' ' ' < "$out/failed")"
exit 1
