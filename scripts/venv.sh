#!/usr/bin/env bash
# Creates .venv with the pinned packages and this project in it. Does nothing if .venv is up to date.
set -eu
cd "$(dirname "$0")/.."

log=.longshore/pip.log

say() { echo "setup: $*" >&2; }

fail() {
  say "MISSING $*"
  exit 1
}

suitable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

complete() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

debian_as_root() { [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null; }

find_python() {
  for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if suitable "$candidate"; then
      echo "$candidate"
      return
    fi
  done
}

install() {
  say "apt-get install $*"
  mkdir -p .longshore
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"; } \
    </dev/null >.longshore/apt.log 2>&1 || {
    tail -n 5 .longshore/apt.log >&2
    fail "$*: apt-get could not install it (see .longshore/apt.log)"
  }
}

run_pip() {
  .venv/bin/python -m pip install -q --no-input --disable-pip-version-check "$@" </dev/null >"$log" 2>&1 || {
    tail -n 15 "$log" >&2
    fail "packages: pip failed; its complete output is in $log"
  }
}

# A moved folder, a different Python or different pins need a new environment.
fingerprint() { { pwd && .venv/bin/python -V && cat requirements/dev.txt pyproject.toml; } 2>/dev/null | cksum; }

if [ -e .venv/.complete ] && [ "$(cat .venv/.complete)" = "$(fingerprint)" ]; then
  exit 0
fi

if debian_as_root; then
  needed=""
  [ -n "$(find_python)" ] || needed="python3"
  { [ -n "$(find_python)" ] && complete "$(find_python)"; } || needed="$needed python3-venv"
  command -v git >/dev/null || needed="$needed git"
  # shellcheck disable=SC2086 # a list of words
  [ -z "$needed" ] || install $needed ca-certificates
fi
python=$(find_python)
[ -n "$python" ] || fail "Python 3.11 or newer; if python3 on PATH is older, set PYTHON=/path/to/python3.11"
complete "$python" || fail "the modules venv and ensurepip of $python (Debian, Ubuntu: apt install python3-venv)"
command -v git >/dev/null || fail "git"

mkdir -p .longshore
if ! [ -x .venv/bin/python ] || ! suitable .venv/bin/python || ! [ -e .venv/.place ] || [ "$(cat .venv/.place)" != "$PWD" ]; then
  say "creating a virtual environment in .venv with $("$python" -V)"
  "$python" -m venv --clear .venv
  pwd >.venv/.place
fi
say "installing the packages of requirements/dev.txt (a minute or two)"
run_pip --require-hashes -r requirements/dev.txt
run_pip --no-deps --no-build-isolation -e .
fingerprint >.venv/.complete
