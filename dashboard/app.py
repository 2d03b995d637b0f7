"""The dashboard: `python -m dashboard.app` for one person, `gunicorn dashboard.app:server` for many."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard import ids
from dashboard.components.cards import show
from dashboard.components.shell import empty_registry, header
from dashboard.pages import PAGES
from dashboard.registry import Registry
from dashboard.routes import add_routes
from dashboard.view import link, look_at
from hierforecast.layout import HOME_VARIABLE, TRACKING_VARIABLE, find_home, is_loopback, part_login

_log = logging.getLogger(__name__)

REFRESH_SECONDS = 15

# MLflow reads these when it is used. A page must answer soon, also when a server does not, and load nothing pickled.
MLFLOW_MANNERS = {
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


def create_app(tracking_uri: str, *, refresh_seconds: int = REFRESH_SECONDS) -> Dash:
    """A dashboard that reads one registry and asks it for news every `refresh_seconds`."""
    registry = Registry(tracking_uri)
    app = Dash(__name__, title="hierforecast", update_title=None, suppress_callback_exceptions=True, add_log_handler=False)
    app.layout = lambda: _frame(registry, refresh_seconds)
    _register(app, registry)
    for page in PAGES:
        page.register(app, registry)
    add_routes(app.server, registry)
    return app


def render(registry: Registry, path: str, search: str | None) -> list[Component]:
    """Header and page for an address; an unknown path shows the first page."""
    view = look_at(registry, search)
    if not view.catalog.versions:
        return [empty_registry(view.catalog.problem)]
    page = next((page for page in PAGES if path == page.PATH), PAGES[0])
    links = [(page.PATH, page.TITLE) for page in PAGES]
    return [header(view, links, page.PATH), html.Main(show(lambda: [page.layout(view)]), className="main")]


def tracking_address() -> str:
    """MLFLOW_TRACKING_URI where it is set, without a login in it, else the embedded store of the home folder."""
    os.environ.update(part_login(os.environ))  # where MLflow's client reads it
    home = find_home(os.environ.get(HOME_VARIABLE), Path.cwd())
    return os.environ.get(TRACKING_VARIABLE) or home.tracking_uri


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve on this machine; another address has to be asked for."""
    parser = argparse.ArgumentParser(prog="python -m dashboard.app", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8050)
    parser.add_argument("--refresh", type=int, default=REFRESH_SECONDS, help="seconds between looks at the registry")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # an ordinary exit also clears downloaded tables away
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # one line per request says nothing here
    if not is_loopback(options.host):
        _log.warning("listening on %s without a login: whoever reaches this machine reads everything", options.host)
    create_app(tracking_address(), refresh_seconds=options.refresh).run(host=options.host, port=options.port, debug=False)


def _frame(registry: Registry, refresh_seconds: int) -> Component:
    parts = [
        dcc.Location(id=ids.URL, refresh="callback-nav"),
        dcc.Interval(id=ids.TICK, interval=refresh_seconds * 1000),
        dcc.Store(id=ids.STAMP, data=registry.catalog().stamp),
        html.Div(id=ids.SHELL),
    ]
    return dmc.MantineProvider(parts, forceColorScheme="light", theme={"primaryColor": "blue", "fontFamily": "inherit"})


def _register(app: Dash, registry: Registry) -> None:
    @app.callback(Output(ids.SHELL, "children"), Input(ids.URL, "pathname"), Input(ids.URL, "search"), Input(ids.STAMP, "data"))
    def show_page(path: str, search: str | None, _stamp: str) -> list[Component]:
        return render(registry, path, search)

    @app.callback(
        Output(ids.STAMP, "data"), Input(ids.TICK, "n_intervals"), State(ids.STAMP, "data"), prevent_initial_call=True
    )
    def look_again(_ticks: int, stamp: str) -> object:
        now = registry.catalog().stamp
        return no_update if now == stamp else now

    @app.callback(Output(ids.URL, "search"), Input(ids.COMPANY, "value"), State(ids.URL, "search"), prevent_initial_call=True)
    def change_company(company: str, search: str | None) -> object:
        return no_update if look_at(registry, search).company == company else link("", company)


for _name, _value in MLFLOW_MANNERS.items():
    os.environ.setdefault(_name, _value)

if __name__ == "__main__":
    main()
else:
    app = create_app(tracking_address())
    server = app.server  # what gunicorn serves
