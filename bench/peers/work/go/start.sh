#!/bin/sh
# `start.sh build` compiles the server; `start.sh` serves.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
home="${XDG_CACHE_HOME:-$HOME/.cache}/sluice-bench/$(basename "$here")"
if [ "${1:-}" = build ]; then
  cd "$here"
  exec go build -mod=readonly -o "$home/work" .
fi
exec "$home/work"
