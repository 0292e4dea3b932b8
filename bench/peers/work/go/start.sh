#!/bin/sh
# `start.sh build` compiles the server; `start.sh` serves.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
home="${XDG_CACHE_HOME:-$HOME/.cache}/sluice-bench/$(basename "$here")"
if [ "${1:-}" = build ]; then
  cd "$here"
  go build -mod=readonly -o "$home/work" .
  touch "$home/built"
  exit
fi
exec "$home/work"
