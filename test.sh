#!/usr/bin/env bash
# Set up what is needed and pass the tests: the fast tier, or with --slow all of them. Further words go to pytest.
#   ./test.sh [--slow] [PYTEST ARGUMENTS]
set -euo pipefail
here=$PWD
cd "$(dirname "$0")"
. deployments/set_up.sh
set_up develop

# The same names as in tests/dashboard/conftest.py.
has_browser() {
  command -v chromium || command -v chromium-browser || command -v google-chrome ||
    [ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ]
} >/dev/null

install_browser() {
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
  say "installing Chromium for the browser tests"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
}

# Its programs alone: no cluster of Debian's own is made or started.
install_postgresql() {
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] && [ ! -e /etc/postgresql-common ] || return 1
  say "installing PostgreSQL for the tests of servers"
  mkdir -p /etc/postgresql-common && echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
}

if ! has_browser && ! install_browser; then
  say "no Chromium found: the browser tests will be skipped. Install it (Debian and Ubuntu: sudo apt-get install chromium;"
  say "macOS: brew install --cask google-chrome, or put any Chromium on the PATH as 'chromium') and run this again."
fi

tier=(-m "not slow")
if [ "${1:-}" = --slow ]; then
  tier=()
  shift
  # Debian keeps them off the PATH.
  if ! command -v initdb >/dev/null && ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && ! install_postgresql; then
    say "no PostgreSQL found: the tests of servers on it will be skipped (Debian and Ubuntu: sudo apt-get install postgresql)"
  fi
fi
# Through the interpreter: scripts in .venv/bin name the place that they were installed in.
.venv/bin/python -m ruff check .
.venv/bin/python -m ruff format --check .
.venv/bin/python -c "from importlinter.cli import lint_imports_command; lint_imports_command()"
# Two processes, a file of tests each: most of them wait for one core, or for a program that they started.
exec .venv/bin/python -m pytest --numprocesses=2 --dist=loadfile ${tier[@]+"${tier[@]}"} "$@"
