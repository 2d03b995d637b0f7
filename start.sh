#!/usr/bin/env bash
# Set up what is needed, run the weekly retrain of a company (the demo by default), then serve the dashboard.
#   ./start.sh [--settings FILE] [--sales FILE] [--media FILE] [--no-serve | --serve-only] [--help]
set -euo pipefail
here=$PWD
cd "$(dirname "$0")"
. deployments/set_up.sh
set_up run
exec .venv/bin/python -m deployments.up --from "$here" "$@"
