"""Put an earlier champion back. Dashboard and forecasts follow the alias at once.

python -m flows.rollback --settings deployments/demo.yaml --family hiref
"""

import argparse

from prefect import flow

from flows.command_line import call
from hierforecast.settings import read_company
from tasks import environment, shelving

environment.prepare()


@flow(name="rollback", result_serializer="json")
def rollback(
    settings: str = "deployments/demo.yaml",
    family: str = "hiref",
    to: str | None = None,
    reason: str = "",
    by: str | None = None,
) -> str:
    """Move the alias `champion` back. A rerun on unchanged data leaves it there; new data are judged as ever.

    Args:
        settings: a company's YAML file.
        family: "hiref" or "precision".
        to: a version's number; by default the champion before this one.
        reason: why; kept on the version that is replaced, with who did it and when.
        by: who does it; by default the user of this process.
    """
    now, then = shelving.find_rollback(read_company(settings).company, family, to)
    return shelving.roll_back(now, then, by=by, reason=reason)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", default="deployments/demo.yaml", help="a company's YAML file")
    parser.add_argument("--family", default="hiref", choices=["hiref", "precision"])
    parser.add_argument("--to", help="a version's number; by default the champion before this one")
    parser.add_argument("--reason", default="", help="why")
    parser.add_argument("--by", help="who does it; by default you")
    call(rollback, **vars(parser.parse_args()))
