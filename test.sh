#!/usr/bin/env bash
# Set up what is needed and pass the tests: the fast tier, or with --slow all of them. Further words go to pytest.
#   ./test.sh [--slow] [PYTEST ARGUMENTS]
set -euo pipefail
cd "$(dirname "$0")"
. deployments/set_up.sh
set_up develop

browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
if ! browser >/dev/null; then
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    say "installing Chromium for the browser tests"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
  else
    say "no Chromium found: the browser tests will be skipped. Install it (Debian and Ubuntu: sudo apt-get install chromium;"
    say "macOS: brew install --cask google-chrome, or put any Chromium on the PATH as 'chromium') and run this again."
  fi
fi

tier=(-m "not slow")
if [ "${1:-}" = --slow ]; then
  tier=()
  shift
fi
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/lint-imports
exec .venv/bin/python -m pytest ${tier[@]+"${tier[@]}"} "$@"
