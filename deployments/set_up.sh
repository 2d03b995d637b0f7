# Sourced by ./start.sh and ./test.sh: makes ./.venv once, and finds it again in a moment.
#   set_up run        what the product needs
#   set_up develop    the developers' tools beside it
# PYTHON names another interpreter; UV_TORCH_BACKEND=cpu keeps CUDA off a Linux machine without a GPU.

say() { printf '%s\n' "$*" >&2; }

# What ./.venv was made from: the kind, a sum over what it depends on, its place. Only the kind while it is being made.
stamp=.venv/made-for

fits() { "$1" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; }

# The interpreter to make ./.venv with: the one in PYTHON, or none but that.
find_python() {
  local candidate
  if [ -n "${PYTHON:-}" ]; then
    candidate=$PYTHON
    # A path is meant from where the person stood.
    case $candidate in /*) ;; */*) candidate=${here:-$PWD}/$candidate ;; esac
    if ! fits "$candidate"; then
      say "hierforecast needs Python 3.11, 3.12 or 3.13; PYTHON=$PYTHON is none of them ($("$candidate" --version 2>&1 || true))"
      exit 1
    fi
    printf '%s' "$candidate"
    return
  fi
  for candidate in python3.13 python3.12 python3.11 python3; do
    if fits "$candidate"; then
      printf '%s' "$candidate"
      return
    fi
  done
  say "hierforecast needs Python 3.11, 3.12 or 3.13 and found none. Install one, or name it: PYTHON=/path/to/python3.11 $0"
  exit 1
}

# Where an interpreter is installed and which one it is; the same for the environments made with it.
origin() { "$1" -c 'import os, sys; print(os.path.realpath(sys.base_prefix), sys.version)'; }

fingerprint() {
  cat pyproject.toml constraints.txt deployments/set_up.sh | cksum
  pwd -P
}

# Whether ./.venv serves as it is. Developers' tools do no harm to a run, so either kind serves it.
is_current() {
  [ -x .venv/bin/python ] && { grep -qsxF "$1" "$stamp" || { [ "$1" = run ] && grep -qsxF develop "$stamp"; }; } &&
    [ "$(fingerprint)" = "$(tail -n +2 "$stamp")" ]
}

# Whether ./.venv can be kept at all: not when it was cut short while being made, or moved, or is of another Python.
is_sound() {
  [ -x .venv/bin/python ] && fits .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1 || return 1
  if [ -e "$stamp" ] && [ "$(tail -n 1 "$stamp")" != "$(pwd -P)" ]; then return 1; fi
  [ -z "${PYTHON:-}" ] || [ "$(origin .venv/bin/python)" = "$(origin "$1")" ]
}

install() {
  local python=.venv/bin/python product='.[all]' groups=()
  # Developers also test what a user installs on demand: baselines, reconciliation, a cluster.
  [ "$1" = develop ] && { product='.[everything]'; groups=(--group dev); }
  # uv is much faster; pip stands in where uv cannot be had or does not know the machine's package index.
  export UV_FIND_LINKS="${UV_FIND_LINKS:-${PIP_FIND_LINKS:-}}"
  if "$python" -m pip install -q --disable-pip-version-check -c constraints.txt uv &&
    "$python" -m uv pip install -q --python "$python" -e "$product" -c constraints.txt ${groups[@]+"${groups[@]}"}; then
    return
  fi
  say "uv could not install; trying pip, which takes a few minutes"
  "$python" -m pip install -q --disable-pip-version-check --upgrade pip
  "$python" -m pip install -q --disable-pip-version-check -e "$product" -c constraints.txt ${groups[@]+"${groups[@]}"}
}

set_up() {
  local wanted=$1 python began=$SECONDS
  if [ -z "${PYTHON:-}" ] && is_current "$wanted"; then return; fi
  python=$(find_python)
  if is_current "$wanted" && is_sound "$python"; then return; fi
  # An environment that has the developers' tools keeps them when it is brought up to date.
  grep -qsxF develop "$stamp" && wanted=develop
  is_sound "$python" || "$python" -m venv --clear .venv
  say "setting up ./.venv with $(.venv/bin/python --version) (some minutes and about 4 GB the first time)"
  printf '%s\n' "$wanted" >"$stamp"
  install "$wanted"
  { printf '%s\n' "$wanted"; fingerprint; } >"$stamp.new"
  mv "$stamp.new" "$stamp"
  say "set up in $((SECONDS - began)) s"
}
