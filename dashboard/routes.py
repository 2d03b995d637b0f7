"""Plain addresses beside the pages: a sign of life, and the report of a version's data checks."""

from flask import Flask, Response

from dashboard.catalog import Version
from dashboard.registry import Registry
from hierforecast.errors import RegistryError

# The report was written by training, not by us: it may style itself and nothing else.
REPORT_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def checks_path(version: Version) -> str:
    """The address of a version's report of its data checks."""
    return f"/checks/{version.company}/{version.family}/{version.number}"


def add_routes(server: Flask, registry: Registry) -> None:
    """Add /healthz and /checks to a server."""

    @server.get("/healthz")
    def healthz() -> str:
        return "ok"

    @server.get("/checks/<company>/<family>/<int:number>")
    def checks(company: str, family: str, number: int) -> Response:
        return serve_report(registry, registry.catalog().numbered(company, family, number))


def serve_report(registry: Registry, version: Version | None) -> Response:
    """The report as a page that may not run anything; 404 with a sentence where there is none."""
    if version is None:
        return Response("No such version.", 404, mimetype="text/plain")
    try:
        return Response(registry.report(version), mimetype="text/html", headers={"Content-Security-Policy": REPORT_POLICY})
    except RegistryError as error:
        return Response(str(error), 404, mimetype="text/plain")
