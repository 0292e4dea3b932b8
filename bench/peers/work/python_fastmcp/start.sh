#!/bin/sh
# `start.sh build` installs the packages; `start.sh` serves.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
home="${XDG_CACHE_HOME:-$HOME/.cache}/sluice-bench/$(basename "$here")"
if [ "${1:-}" = build ]; then
  if ! cmp -s "$here/requirements.txt" "$home/requirements.txt"; then
    python3 -m venv "$home"
    "$home/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$home"
  fi
  touch "$home/built"
  exit
fi
export SERVER_TYPE="$(basename "$here")" PYTHONPATH="$here/.." PYTHONDONTWRITEBYTECODE=1
exec "$home/bin/python" "$here/server.py"
