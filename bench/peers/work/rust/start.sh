#!/bin/sh
# `start.sh build` compiles the server; `start.sh` serves.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
home="${XDG_CACHE_HOME:-$HOME/.cache}/sluice-bench/$(basename "$here")"
if [ "${1:-}" = build ]; then
  mkdir -p "$home/src"
  cp -p "$here/Cargo.toml" "$home"
  cp -p "$here/src/main.rs" "$home/src"
  cd "$home"
  cargo build --release --quiet
  touch "$home/built"
  exit
fi
exec "$home/target/release/work"
