# Sourced by ./start.sh and ./test.sh: makes ./.venv once, and finds it again in a moment.
#   set_up run        what the product needs
#   set_up develop    the developers' tools beside it
# PYTHON names another interpreter; UV_TORCH_BACKEND=cpu keeps CUDA off a Linux machine without a GPU.

say() { printf '%s\n' "$*" >&2; }

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
    if "$candidate" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
      printf '%s' "$candidate"
      return
    fi
  done
  say "hierforecast needs Python 3.11, 3.12 or 3.13 and found none. Install one, or name it: PYTHON=/path/to/python3.11 $0"
  exit 1
}

# What an environment was made from: when this changes, it is brought up to date.
fingerprint() {
  cat pyproject.toml constraints.txt deployments/set_up.sh | cksum
  pwd
}

install() {
  local python=.venv/bin/python groups=()
  [ "$1" = develop ] && groups=(--group dev)
  # uv is much faster; pip stands in where uv cannot be had or does not know the machine's package index.
  export UV_FIND_LINKS="${UV_FIND_LINKS:-${PIP_FIND_LINKS:-}}"
  if "$python" -m pip install -q --disable-pip-version-check -c constraints.txt uv &&
    .venv/bin/uv pip install -q --python "$python" -e '.[all]' -c constraints.txt ${groups[@]+"${groups[@]}"}; then
    return
  fi
  say "uv could not install; trying pip, which takes a few minutes"
  "$python" -m pip install -q --disable-pip-version-check --upgrade pip
  "$python" -m pip install -q --disable-pip-version-check -e '.[all]' -c constraints.txt ${groups[@]+"${groups[@]}"}
}

set_up() {
  local wanted=$1 stamp=.venv/made-for python began=$SECONDS
  # Developers' tools do no harm to a run, so either kind of environment serves it.
  if [ -x .venv/bin/python ] && { grep -qsxF "$wanted" "$stamp" || { [ "$wanted" = run ] && grep -qsxF develop "$stamp"; }; } &&
    [ "$(fingerprint)" = "$(tail -n +2 "$stamp")" ]; then
    return
  fi
  # An environment that has the developers' tools keeps them when it is brought up to date.
  grep -qsxF develop "$stamp" && wanted=develop
  python=$(find_python)
  say "setting up ./.venv with $("$python" --version) (some minutes and about 4 GB the first time)"
  rm -f "$stamp"
  [ -x .venv/bin/python ] || "$python" -m venv --clear .venv
  install "$wanted"
  { printf '%s\n' "$wanted"; fingerprint; } >"$stamp.new"
  mv "$stamp.new" "$stamp"
  say "set up in $((SECONDS - began)) s"
}
