"""Check that a registered version is, file by file, what was registered; nothing of it is loaded.

python -m flows.verify --settings deployments/demo.yaml --family hiref
"""

import argparse

from prefect import flow

from flows.command_line import call
from hierforecast.settings import read_company
from tasks import environment, verification

environment.prepare()


@flow(name="verify", result_serializer="json")
def verify(settings: str = "deployments/demo.yaml", family: str = "hiref", version: str | None = None) -> str:
    """Check a version's files against its seal. Flows that load a champion do so by themselves.

    Args:
        settings: a company's YAML file.
        family: "hiref" or "precision".
        version: its number; by default the champion's.
    """
    return verification.verify_version(read_company(settings).company, family, version)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", default="deployments/demo.yaml", help="a company's YAML file")
    parser.add_argument("--family", default="hiref", choices=["hiref", "precision"])
    parser.add_argument("--version", help="a version's number; by default the champion's")
    call(verify, **vars(parser.parse_args()))
