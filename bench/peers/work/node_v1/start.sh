#!/bin/sh
# `start.sh build` installs the packages; `start.sh` serves.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
home="${XDG_CACHE_HOME:-$HOME/.cache}/sluice-bench/$(basename "$here")"
if [ "${1:-}" = build ]; then
  mkdir -p "$home"
  cp "$here/server.mjs" "$here/../node_tools.mjs" "$home"
  if ! cmp -s "$here/package.json" "$home/package.json" || [ ! -d "$home/node_modules" ]; then
    cp "$here/package.json" "$home"
    (cd "$home" && npm install --silent --no-package-lock)
  fi
  touch "$home/built"
  exit
fi
cd "$home"
NODE_ENV=production exec node server.mjs
